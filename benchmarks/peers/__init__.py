"""The contenders: one file a library, one function a kind of work, each from a `Task` to a `Prepared`."""
