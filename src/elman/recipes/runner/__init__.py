"""A recipe carried out: trained, scored, shown."""

__all__: list[str] = []
