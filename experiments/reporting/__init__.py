"""What people read: tables, sentences, figures and pages, made from the tables of results."""
