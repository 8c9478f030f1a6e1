"""What is recorded of every way in which LangChain and LangGraph run: one small scenario each, and its whole trace."""
