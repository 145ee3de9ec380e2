"""What a page of the documentation says of a study, written from the tables of a run."""
