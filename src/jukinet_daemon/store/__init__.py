"""保存: the only room that speaks SQL. Queries stand in .sql files by name."""
