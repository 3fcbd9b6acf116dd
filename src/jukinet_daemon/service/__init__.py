"""用例: one function or class = one use case. I/O through the store only; decisions from the domain."""
