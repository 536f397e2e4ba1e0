"""Lessons as data: what a step asks, what its truth is in the live model, and how far a guess is from it."""

from models.lessons.ask import ASK_KINDS, Ask
from models.lessons.guesses import GuessError, Outcome, checked_guess, outcome
from models.lessons.lesson import Claim, Lesson, LessonError, Step, View
from models.lessons.lesson_file import LARGEST_LESSON_FILE, file_text, lesson_text, read_lesson, said_of, view_address
from models.lessons.question_registry import QUESTIONS
from models.lessons.readings import QuestionError, Readings
