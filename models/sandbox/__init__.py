"""Where strangers' files compute: in processes of their own, with limits on time, memory and what they answer."""

from models.sandbox.pool import LARGEST_ANSWER, Pool, SandboxedFiles, SandboxError, environment
