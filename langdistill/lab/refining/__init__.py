"""ART on the lab's arithmetic: askers, trusters and refiners of the lab model, trained on what it got right and wrong."""
