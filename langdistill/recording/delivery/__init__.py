"""The thread that makes traces of events and brings them to the store."""
