"""What `fairgrid new` writes: a study, and an optimizer of one's own."""
