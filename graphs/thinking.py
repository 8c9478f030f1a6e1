"""Strategies on the embedded model, for `langgraph dev`."""

from langdistill import create_chain_of_thought, create_rephrase_and_respond, create_self_consistency
from langdistill.lab import lab_model

model = lab_model(max_tokens=160)

chain_of_thought = create_chain_of_thought(model)
rephrase_and_respond = create_rephrase_and_respond(model)
self_consistency = create_self_consistency(model)
