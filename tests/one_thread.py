"""torch on one thread, for what computes little."""

from contextlib import contextmanager


@contextmanager
def one_thread():
    """Small models on a busy machine: more threads only make them wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
