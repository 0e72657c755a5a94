"""From a composed issue to the bytes of one message. Pure: no recipient list, no network, no clock."""
