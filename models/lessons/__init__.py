"""Lessons as data: what a step asks, what its truth is in the live model, and how far a guess is from it."""

from models.lessons.guesses import GuessError, Outcome, checked_guess, outcome
from models.lessons.lesson import Ask, Claim, Lesson, LessonError, Step, View
from models.lessons.lesson_file import LARGEST_FILE, lesson_text, read_lesson
from models.lessons.readings import QuestionError, Readings
