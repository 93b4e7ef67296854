-- What the service keeps. Run at every start: it creates what is missing.

create table if not exists accounts (
    account text primary key
) strict;

-- Every message that was dealt with, once: the broker may deliver it again.
create table if not exists messages (
    id text primary key,
    sender text not null,
    text text not null,
    received_at text not null,
    outcome text not null
) strict;

create table if not exists readings (
    message text primary key references messages,
    account text not null references accounts,
    month text not null,
    reading integer not null
) strict;
create index if not exists readings_of_account on readings (account, month, message);

-- The reading that counts, one an account and month: ids of messages sort by time.
create view if not exists current_readings as
    select account, month, reading, max(message) as message from readings group by account, month;

-- Answers, written with what they answer. One leaves the state `waiting` when the gateway says that it has it.
-- Times are Unix seconds.
create table if not exists outbox (
    id text primary key,
    recipient text not null,
    modem text not null,
    text text not null,
    created_at integer not null default (unixepoch()),
    state text not null default 'waiting',
    done integer not null default 0,
    tries integer not null default 0,
    publish_at integer not null default (unixepoch())
) strict;
create index if not exists outbox_waiting on outbox (publish_at) where state = 'waiting';
create index if not exists outbox_recipient on outbox (recipient, created_at);
