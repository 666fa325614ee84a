"""The contenders: one file per library, one function per kind of work, each from a `Task` to a `Prepared`."""
