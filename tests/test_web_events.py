"""The list of events and the page of one, as everybody sees them."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from registration.models import RegistrationKind, Visibility
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_question, make_speaker


def words(client: FlaskClient, path: str) -> str:
    """The page with each run of white space as one space."""
    return " ".join(client.get(path).text.split())


class TestList:
    def test_a_search_finds_what_is_coming_and_what_is_over(self, client: FlaskClient):
        make_hybrid(title="Policing to come")
        make_event(
            title="Policing of old",
            starts_at=NOW - timedelta(days=9, hours=1),
            ends_at=NOW - timedelta(days=9),
        )
        make_hybrid(title="Water and borders")
        make_event(title="Policing in secret", visibility=Visibility.UNLISTED)
        page = words(client, "/?q=policing")
        assert "Policing to come" in page
        assert "Policing of old" in page
        assert "Water and borders" not in page
        assert "Policing in secret" not in page

    def test_a_search_that_finds_nothing_says_so(self, client: FlaskClient):
        make_hybrid(title="Water and borders")
        page = words(client, "/?q=policing")
        assert "No coming event mentions it." in page
        assert "No past event mentions it." in page

    def test_a_search_finds_a_speaker_of_what_is_coming(self, client: FlaskClient):
        room, _ = make_hybrid(title="A panel")
        make_speaker(room.event, name="Amina Okonkwo-Bell")
        assert "A panel" in words(client, "/?q=okonkwo")

    def test_events_without_an_rsvp_say_how_one_comes(self, client: FlaskClient):
        make_event(registration=RegistrationKind.EXTERNAL, external_url="https://example.org/")
        make_event(registration=RegistrationKind.NONE)
        page = words(client, "/")
        assert "Registration on another site" in page
        assert "No registration is needed" in page

    def test_two_days_are_named_both(self, client: FlaskClient):
        make_event(starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=2))
        assert "Tue–Wed" in words(client, "/")


class TestPage:
    def test_sentences_about_an_option_stand_apart(self, client: FlaskClient):
        event = make_event(slug="full", doors_at=NOW + timedelta(days=13))
        make_option(event, capacity=0, waiting=3, needs_approval=True)
        page = words(client, "/events/full")
        assert ". 3 parties are waiting. The organisers approve each RSVP." in page

    def test_shows_what_speakers_wrote_about_themselves(self, client: FlaskClient):
        event = make_event(slug="panel")
        make_speaker(event, name="Amina Okonkwo-Bell", bio="Teaches law.\n<b>Walks</b> a lot.")
        page = words(client, "/events/panel")
        assert "Teaches law." in page
        assert "&lt;b&gt;Walks" in page

    def test_can_be_shared_without_a_hashtag(self, client: FlaskClient):
        make_hybrid(slug="plain")
        page = words(client, "/events/plain")
        assert "Tell others" in page
        assert "linkedin.com" in page

    def test_of_an_unlisted_event_does_not_ask_to_be_shared(self, client: FlaskClient):
        make_hybrid(slug="quiet", visibility=Visibility.UNLISTED)
        assert "Tell others" not in words(client, "/events/quiet")

    def test_waits_for_the_recording_that_was_announced(self, client: FlaskClient):
        times = {
            "starts_at": NOW - timedelta(days=2, hours=1),
            "ends_at": NOW - timedelta(days=2),
        }
        make_hybrid(slug="filmed", recording_notice="The event is recorded.", **times)
        make_hybrid(slug="unfilmed", recording_notice="", **times)
        assert "Its recording will be here." in words(client, "/events/filmed")
        assert "was not recorded" in words(client, "/events/unfilmed")


class TestForm:
    def test_a_required_question_is_not_called_optional(self, client: FlaskClient):
        room, stream = make_hybrid(slug="asks")
        make_question(room.event, label="Which team?", is_required=True)
        make_question(room.event, label="Which meal?", is_required=True, option_id=room.id)
        make_question(room.event, label="Which city?", option_id=stream.id)
        page = words(client, "/events/asks/rsvp")
        assert "Which team?</label>" in page
        assert "Which meal? <small>(only for: In person)</small>" in page
        assert "Which city? <small>(optional, only for: Online)</small>" in page

    def test_the_code_of_an_event_by_invitation_is_not_called_optional(self, client: FlaskClient):
        make_hybrid(slug="closed", visibility=Visibility.INVITATION)
        assert "Invitation code</label>" in words(client, "/events/closed/rsvp")
