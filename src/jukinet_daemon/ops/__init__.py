"""操作: what an operator does, one file a function. What changes anything says first what it would do."""
