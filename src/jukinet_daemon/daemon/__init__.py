"""組立て: the composition root. One configuration becomes pools, doors and loops, and ends in good order."""
