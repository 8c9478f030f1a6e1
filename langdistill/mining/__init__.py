"""Lion: mine the instructions at which a student is behind its teacher, and write new ones like them (Jiang et al., 2305.12870).

`miner` wires the stages `imitating`, `training`, `discriminating` and `generating` into a loop; `pools` keeps what they read and
write; a file of `generators/` is a way of writing a new instruction from one that there is.
"""
