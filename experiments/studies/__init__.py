"""The shipped studies."""
