"""手本: what the file must hold after each telegram, as a clerk with paper folders would keep it."""

from dataclasses import dataclass, field

from .telegram import CODE, DELETION, DEPARTURE, ENTRY, Telegram

Place = tuple[str, bool]


@dataclass
class Sheet:
    """The 住民票 or 附票 of one place: whether it is open, its newest record, and how it was begun."""

    is_open: bool
    newest: Telegram
    day: str
    cause: str | None
    key: str | None


@dataclass
class Folder:
    """All that is held of one person. Sheets lie in the order in which they were opened."""

    names: set[str] = field(default_factory=set)
    sheets: dict[Place, Sheet] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)

    @property
    def open_sheets(self) -> dict[Place, str]:
        """The newest record of each open sheet, in the order in which they were opened."""
        return {place: sheet.newest.id for place, sheet in self.sheets.items() if sheet.is_open}

    @property
    def holds_good(self) -> str | None:
        """The record that holds good: of the sheet opened last among those that are open, or of all."""
        last = next((sheet.newest.id for sheet in reversed(self.sheets.values())), None)
        return next(reversed(self.open_sheets.values()), last)


class Clerk:
    """Takes telegrams one by one. A name, once written on a folder, stays there for ever."""

    def __init__(self, register: str) -> None:
        self.register = register
        self.folders: list[Folder] = []
        self.relayed: list[str] = []
        self.refused: list[str] = []
        self._seen: set[str] = set()

    def take(self, told: Telegram) -> None:
        """Files a telegram, keeps it waiting, or refuses it; one that was seen before changes nothing."""
        if told.id in self._seen:
            return
        self._seen.add(told.id)
        if not told.sound:
            self.refused.append(told.id)
            return
        found = list({id(f): f for name in told.names for f in self.folders if name in f.names}.values())
        if not found:
            self._new_folder(told)
        elif len(found) > 1 or found[0].waiting or not self._fits(found[0], told):
            if len(found) == 1 and self._in_turn(found[0], told):
                found[0].names.update(told.names)
            for folder in found:
                folder.waiting.append(told.id)
        else:
            self._write(found[0], told)

    def _new_folder(self, told: Telegram) -> None:
        folder = Folder()
        self.folders.append(folder)
        if told.what == ENTRY:
            self._write(folder, told)
        else:
            folder.names.add(told.names[0])
            folder.waiting.append(told.id)

    def _in_turn(self, folder: Folder, told: Telegram) -> bool:
        """Whether a new code only waits for what came before it: what follows under it waits behind it."""
        theirs = not folder.records or not told.old_code or told.old_code in folder.names
        return bool(folder.waiting) and told.what == CODE and theirs

    def _fits(self, folder: Folder, told: Telegram) -> bool:
        if told.what == DEPARTURE:
            return any(area == told.area for area, _ in folder.sheets)
        code = told.old_code if told.what == CODE else told.code
        if code and code not in folder.names:
            return False
        sheet = folder.sheets.get((told.area, told.foreign))
        if sheet is None:
            return told.what == ENTRY
        if told.record_key and sheet.key and told.record_key != sheet.key:
            # Another 附票 of this place.
            return told.what == ENTRY and not sheet.is_open
        if told.what in (ENTRY, DELETION) and _same_event(sheet.newest, told):
            return True
        return sheet.is_open if told.what != ENTRY else not sheet.is_open and not self._begun_so(sheet, told)

    def _begun_so(self, sheet: Sheet, told: Telegram) -> bool:
        """Whether a sheet that is closed was begun by this very event; only the 住民票 says by which."""
        once = self.register == "juki" and told.cause != "entry_ex_officio" and told.day[:4] != "0000"
        return once and (sheet.day, sheet.cause) == (told.day, told.cause)

    def _write(self, folder: Folder, told: Telegram) -> None:
        folder.names.update(told.names)
        if told.what == DEPARTURE:
            folder.departures.append(told.id)
            return
        folder.records.append(told.id)
        self.relayed.append(told.id)
        place = (told.area, told.foreign)
        sheet = folder.sheets.get(place)
        if sheet is None or (told.what == ENTRY and not sheet.is_open):
            folder.sheets.pop(place, None)
            folder.sheets[place] = Sheet(True, told, told.day, told.cause, told.record_key)
        else:
            sheet.newest = told
            sheet.is_open = sheet.is_open and told.what != DELETION
            sheet.key = told.record_key or sheet.key
            sheet.cause = told.cause if told.what == ENTRY else sheet.cause


def _same_event(before: Telegram, told: Telegram) -> bool:
    return (before.what, before.day) == (told.what, told.day)
