"""照合: the program's file against the clerk's folders, and against the lives themselves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

from jukinet_daemon.domain.as_of import Recorded, as_of
from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.domain.record import Record

from .file import TODAY, File, notice_of
from .human import Human
from .model import Clerk, Folder
from .telegram import DELETION, Telegram

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def same_as_the_folders(file: File, clerk: Clerk) -> None:
    """After every batch, each person of the file is one folder, to the last record."""
    names_of: dict[int, set[str]] = defaultdict(set)
    for key, person in file.keys.items():
        names_of[person].add(key.value)
    persons = {min(names): person for person, names in names_of.items()}
    assert len(file.states) == len(persons) == len(clerk.folders)
    for folder in clerk.folders:
        person = persons[min(folder.names)]
        assert names_of[person] == folder.names
        _same_folder(file, person, folder)
    assert [id_ for _, _, id_ in file.relayed] == clerk.relayed
    assert file.refused == clerk.refused


def _same_folder(file: File, person: int, folder: Folder) -> None:
    state, history = file.states[person], file.history.get(person, {})
    open_stays = [((stay.area, stay.foreign), history[stay.version]) for stay in state.open_stays]
    assert open_stays == list(folder.open_sheets.items())
    assert list(history.values()) == folder.records
    assert (history[state.current] if state.current else None) == folder.holds_good
    assert state.waiting == len(folder.waiting)
    assert state.version == len(folder.records) + len(folder.waiting) + len(folder.departures)


def nothing_is_lost(file: File, arrived: Iterable[Telegram]) -> None:
    """Each telegram was recorded, noted, held or refused, and that once."""
    recorded = [id_ for _, _, id_ in file.relayed]
    accounted = [*recorded, *file.departures, *file.held, *file.refused]
    assert len(accounted) == len(set(accounted))
    assert set(accounted) == {told.id for told in arrived}
    assert sum(file.outcomes.values()) == len(accounted)


def relayed_in_order(file: File) -> None:
    """The running number of a person's records only grows, in the order they go out."""
    versions: dict[int, list[int]] = defaultdict(list)
    for person, version, _ in file.relayed:
        versions[person].append(version)
    assert all(a < b for numbers in versions.values() for a, b in pairwise(numbers))


def true_to_life(file: File, lives: Sequence[Human]) -> int:
    """Once all has arrived, the file says where each human is; gives how many could be asked about.

    Of one with a notice that waits for an operator the file must still hold what it held, and it is his.
    """
    waiting, recorded = set(file.held), {id_ for _, _, id_ in file.relayed}
    asked = 0
    for one in lives:
        own = {told.id for told in one.told}
        if own.isdisjoint(waiting):
            asked += 1
            _true_of(one, file)
        elif own & recorded:
            states = [file.states[person] for person in _persons(one, file)]
            assert own & {file.history[s.person_id][s.current] for s in states if s.current}
    return asked


def the_past_ends_in_the_present(file: File, arrived: Iterable[Telegram]) -> None:
    """Asked as of now about a day that nothing lies behind, the history gives the record that holds good."""
    notices = {told.id: notice_of(told, file.register) for told in arrived}
    for person, state in file.states.items():
        records = [
            Record(notice, person, version, TODAY)
            for version, id_ in file.history.get(person, {}).items()
            if isinstance(notice := notices[id_], ChangeNotice)
        ]
        found = as_of([Recorded(record, NOW) for record in records], NOW, date.max)
        assert (found.version if found else None) == state.current


def _persons(one: Human, file: File) -> set[int]:
    """Without a 住民票コード the file cannot know that two 附票 are of one human: then there are several."""
    names = {name for told in one.told if told.sound for name in told.names}
    return {person for key, person in file.keys.items() if key.value in names}


def _true_of(one: Human, file: File) -> None:
    persons = _persons(one, file)
    known = {key.value for key in file.keys}
    if not any(told.sound for told in one.told):
        # He was there before the file was, and whatever was said of him since was refused.
        assert known.isdisjoint(one.codes.union(*(told.names for told in one.told)))
        return
    assert one.codes <= known
    there = [file.states[person] for person in persons if file.states[person].open_stays]
    if one.area is None:
        assert there == []
        telegrams = {told.id: told for told in one.told}
        for person in persons:
            current = file.states[person].current
            assert current is not None
            assert telegrams[file.history[person][current]].what == DELETION
        return
    (state,) = there
    assert [(stay.area, stay.foreign) for stay in state.open_stays] == [(one.area, one.foreign)]
    assert state.current is not None
    newest = next(told for told in one.told if told.id == file.history[state.person_id][state.current])
    said = (
        newest.area,
        newest.foreign,
        newest.code,
        newest.number,
        newest.name,
        newest.address,
        newest.overseas,
    )
    assert said == (one.area, one.foreign, one.code, one.number, one.name, one.address, one.overseas)
