"""証跡: the arithmetic of the evidence. Leaves are salted commitments; nothing here touches a database."""
