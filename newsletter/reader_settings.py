"""Settings about readers: who may come in, and who is asked whether they still want to stay."""

from typing import Self

from pydantic import Field, model_validator

from newsletter.settable import Section, WebAddress


class SignUp(Section):
    """Who may sign up, and how many in an hour: a form that anybody can use must not flood anybody."""

    sites: tuple[WebAddress, ...] = ()  #: whose own forms and scripts may post here
    per_network: int = Field(default=20, ge=1)  #: a network is the first 24 bits of an address, 64 in IPv6
    per_domain: int = Field(default=150, ge=1)  #: of mail addresses
    in_all: int = Field(default=300, ge=1)


class Sunset(Section):
    """Who has been silent for long is asked once whether they still want this (docs/list.md). Never by opens."""

    after_days: int = Field(default=0, ge=0, le=3650)  #: without a signal; 0: nobody is asked
    answer_days: int = Field(default=30, ge=7, le=365)  #: to answer; who does not is taken off the list
    per_day: int = Field(default=200, ge=1, le=100_000)  #: so many are asked on a day, at most

    @model_validator(mode="after")
    def _patient(self) -> Self:
        if 0 < self.after_days < 30:  # noqa: PLR2004 - silence is not known sooner
            raise ValueError(f"after_days = {self.after_days} is no silence yet; 90 to 365 are usual, 0 is never")
        return self
