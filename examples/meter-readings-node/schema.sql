-- What the service keeps. May be run again at any time: it creates what is missing.

create table if not exists accounts (
    account text primary key
);

-- Every message that was dealt with, once: the broker may deliver it again.
create table if not exists messages (
    id text primary key,
    sender text not null,
    text text not null,
    received_at timestamptz not null,
    outcome text not null
);

create table if not exists readings (
    message text primary key references messages,
    account text not null references accounts,
    month text not null,
    reading integer not null
);
create index if not exists readings_of_account on readings (account, month, message);

-- The reading that counts, one an account and month: ids of messages sort by time.
create or replace view current_readings as
    select distinct on (account, month) account, month, reading, message
    from readings order by account, month, message desc;

-- Answers, written with what they answer. One leaves the state `waiting` when the gateway says that it has it.
create table if not exists outbox (
    id text primary key,
    recipient text not null,
    modem text not null,
    text text not null,
    created_at timestamptz not null default now(),
    state text not null default 'waiting',
    done boolean not null default false,
    tries integer not null default 0,
    publish_at timestamptz not null default now()
);
create index if not exists outbox_waiting on outbox (publish_at) where state = 'waiting';
create index if not exists outbox_recipient on outbox (recipient, created_at);
