"""The pages' way to the models: requests in, arrays and strings out."""

from models.engine.cache import ByteCache, size_of
from models.engine.engine import ComputerFullError, Engine, Request, engine
from models.engine.figures import EngineFigures, Told
from models.engine.gate import Gate, threads_asleep
from models.engine.jobs import JobError, Progress
from models.engine.model_pool import ModelPoolFullError
from models.engine.request_size import MOST_CHARACTERS, MOST_CHARACTERS_ALONE, RequestTooLargeError
from models.engine.stepwise import HowFar, Stepwise, TextRequest
from models.engine.threads import on_one_thread
