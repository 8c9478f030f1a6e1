"""ART: ask whether an answer is to be trusted, refine it where not, and trust the better one (Shridhar et al., 2311.07961).

`ask_refine_trust` is the graph; a file of `askers/` decides what is refined, a file of `trusters/` which answer is taken.
"""
