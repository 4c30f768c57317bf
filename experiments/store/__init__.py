"""What is kept: the database of records, and the CSVs made from it."""
