"""What a TOML file, a model directory and the command line may say.

Nothing is imported here: the command line reads `short_options` before it needs pydantic, which `configuration` does.
"""

__all__: list[str] = []
