"""試練: real processes under load, harmed in every way we know; then the judge (tests/judge) decides."""
