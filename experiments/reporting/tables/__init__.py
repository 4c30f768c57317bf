"""Tables for people, from the tables of results."""
