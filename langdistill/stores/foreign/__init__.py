"""How others write down what happened. `importers/` has a file per format; here is what several of them share.

Of all: `documents` reads files, `plain` makes JSON storable, `values` reads single values, `losses` gathers what has no place.
Of formats that are rows: `expected` (strict types), `chats`, `chat_traces`, `made` (ids and traces), `displays`, `actions`,
`transcripts`, `search_trees`, `sessions`.
Of formats that are spans: `spans`, `trees`, `attributes`, `conversations`, `messages`, `parts`.
"""
