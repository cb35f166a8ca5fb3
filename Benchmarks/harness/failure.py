class Failure(Exception):
    """Something that makes the figures worthless: a program that does not start, a wrong answer."""
