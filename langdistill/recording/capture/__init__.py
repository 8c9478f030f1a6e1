"""What happens inside a callback: what LangChain tells becomes events."""
