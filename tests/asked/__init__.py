"""問われる戸口: schemathesis asks every door that speaks HTTP, from its OpenAPI document (`make http`)."""
