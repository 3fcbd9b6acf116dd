"""人の状態: what the file holds of one person, as far as a decision needs it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Stay:
    """One open 住民票 (or 附票): where it is, whether a foreign resident's, and its newest record.

    Stays are kept by municipality, so that a late 消除 of the old one never ends the new one's.
    """

    area: str
    foreign: bool
    version: int


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person in the file. `version` counts every change of this state and guards it (compare-and-set).

    `current` is the version of the record that holds good now (of the newest open stay; the last 消除 where
    none is open); None where there is no record yet. `waiting` counts notices held for an operator.
    """

    person_id: int
    version: int
    current: int | None
    stays: tuple[Stay, ...]
    waiting: int

    def stay_at(self, area: str, foreign: bool) -> Stay | None:
        """The open stay in a municipality, or None."""
        return next((s for s in self.stays if s.area == area and s.foreign == foreign), None)


def unknown_person(person_id: int) -> PersonState:
    """The state before the first notice about a person."""
    return PersonState(person_id=person_id, version=0, current=None, stays=(), waiting=0)


def opened(state: PersonState, area: str, foreign: bool) -> PersonState:
    """記載: a stay begins, and is the one that holds good."""
    version = state.version + 1
    return replace(
        state, version=version, current=version, stays=(*state.stays, Stay(area, foreign, version))
    )


def ended(state: PersonState, stay: Stay) -> PersonState:
    """消除: this stay ends; what holds good is the newest stay left, or this 消除 where none is."""
    version = state.version + 1
    stays = tuple(s for s in state.stays if s != stay)
    return replace(state, version=version, current=stays[-1].version if stays else version, stays=stays)


def corrected(state: PersonState, stay: Stay) -> PersonState:
    """修正: a newer record of this stay; it holds good if the stay is the newest."""
    version = state.version + 1
    stays = tuple(replace(s, version=version) if s == stay else s for s in state.stays)
    return replace(state, version=version, current=stays[-1].version, stays=stays)


def held_back(state: PersonState) -> PersonState:
    """保留: a notice about this person waits for an operator; later ones queue behind it."""
    return replace(state, version=state.version + 1, waiting=state.waiting + 1)


def noted(state: PersonState) -> PersonState:
    """Something was recorded that changes no 本人確認情報 (転出確定)."""
    return replace(state, version=state.version + 1)
