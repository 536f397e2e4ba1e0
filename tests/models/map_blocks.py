"""What stands in the blocks of a map that a picture pools."""

from itertools import pairwise


def blocks_of(whole, side):
    """The weights that may be looked at in each of `side` x `side` blocks of a map, row by row."""
    edges = [block * len(whole.weights) // side for block in range(side + 1)]
    parts = [slice(*pair) for pair in pairwise(edges)]
    return [whole.weights[rows, columns][whole.visible[rows, columns]] for rows in parts for columns in parts]
