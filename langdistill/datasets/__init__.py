"""From traces to a data set: choose what the student learns, split, write."""
