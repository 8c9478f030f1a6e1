"""rStar: a search over reasoning steps, whose leaves are checked by a second model (Qi et al., 2408.06195).

`tree` is the search without any model, `actions` what a step may be and who may follow whom.
"""
