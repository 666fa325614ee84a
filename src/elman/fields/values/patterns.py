"""Names that stand for several columns, such as `v*`."""

SIGNS = "*?["


def is_pattern(name: str) -> bool:
    """Whether a name may match several columns, by the signs of `fnmatch`.

    Example:
        >>> is_pattern("v*"), is_pattern("price")
        (True, False)
    """
    return any(sign in name for sign in SIGNS)
