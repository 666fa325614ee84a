"""Running a recipe: training, evaluation, examples."""

__all__: list[str] = []
