"""The five actions in the words of a domain, one a file; `actions.ACTIONS` are for any."""
