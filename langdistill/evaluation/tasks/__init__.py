"""Published tasks read from local files, one a file: questions, right answers, and how a reply is read and compared."""
