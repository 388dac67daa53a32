import numpy


def use():
    """Solves a linear system, and draws from a seeded generator."""
    solved = numpy.linalg.solve(numpy.array([[3.0, 1.0], [1.0, 2.0]]), numpy.array([9.0, 8.0]))
    drawn = numpy.random.default_rng(7).integers(0, 100, 3)
    return [solved.round(6).tolist(), len(drawn)]


EXPECTED = [[2.0, 3.0], 3]
