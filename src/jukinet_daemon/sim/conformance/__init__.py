"""適合試験: small cases of what a prefecture's server must answer, and three ways of putting them to one."""
