//! Why an option of SMS Server Tools has no counterpart, and what to do instead.

const BY_ITSELF: &str = "Nothing to set: the gateway is told of messages, looks for others each minute, sends at once, tries again \
                         what may pass, and brings a modem that hangs back by itself.";
const NO_FILES: &str = "Messages are no files: they come on sms/received/<modem>, and applications send on sms/send. What the \
                        gateway keeps, `smsbridge history --json` shows.";
const LOG: &str = "The log goes to standard error, which is the journal under systemd; SMSBRIDGE_LOG or -v says more. For \
                   what is said to the modem: trace = \"FILE\" at the top.";
const STATUS: &str = "`smsbridge status` and sms/modem/<modem> have state, signal and counters.";
const SERVICE: &str = "User, folders and process are the service's business: deploy/smsbridge.service.";
const TEXTS: &str = "Texts are UTF-8; parts are joined and split, and the encoding is chosen, by the gateway. A request can say more: \
                     `encoding`, `transliterate`.";
const ALARM: &str = "No SMS and no program: `problem` on sms/modem/<modem> says what is wrong, and `smsbridge status` exits with 1.";
const REGULAR: &str = "No command is run regularly. For a balance: [ussd] allow, and sms/ussd/<modem>; for all else a systemd timer.";
const CALLS: &str =
    "Calls come on sms/call/<modem>, from the modem itself: nothing to set. The gateway makes no calls.";
const STORAGE: &str = "Every storage the modem has is read: nothing to set.";
const LINE: &str = "How the gateway speaks to a modem is fixed: nothing to set.";
const TESTING: &str = "Only for tests. `smsbridge demo` and `dry_run` in a request send nothing.";
const NUMBERS: &str =
    "Numbers are written with + and country code; default_country below [outbound] completes those without.";
const PROGRAMS: &str =
    "No program is run for that. Services read sms/received/<modem> and publish on sms/send (MQTT).";

const KEPT: &str = "What is stored is deleted from the SIM, so that it does not fill up.";
const OF_EACH: &str = "A modem's own section says it, which counts.";

/// The sentences for an option above all sections; `key` in small letters.
pub(super) fn of_global(key: &str) -> &'static str {
    match key {
        "spool"
        | "outgoing"
        | "checked"
        | "failed"
        | "incoming"
        | "sent"
        | "report"
        | "saved"
        | "phonecalls"
        | "failed_copy"
        | "incoming_copy"
        | "report_copy"
        | "sent_copy"
        | "keep_filename"
        | "store_original_filename"
        | "date_filename"
        | "date_filename_format"
        | "datetime"
        | "datetime_format"
        | "filename_preview"
        | "spool_directory_order"
        | "trust_outgoing"
        | "notifier"
        | "language_file"
        | "yes_chars"
        | "no_chars"
        | "yes_word"
        | "no_word"
        | "eventhandler_use_copy"
        | "mypath" => NO_FILES,
        "store_received_pdu" | "store_sent_pdu" => {
            "For the PDUs of what comes in: include_pdu = true below [inbound]."
        }
        "logfile"
        | "loglevel"
        | "log_charconv"
        | "log_read_from_modem"
        | "log_read_timing"
        | "log_response_time"
        | "log_single_lines"
        | "log_unmodified"
        | "logtime_format"
        | "logtime_ms"
        | "logtime_us"
        | "smart_logging"
        | "enable_smsd_debug"
        | "terminal" => LOG,
        "stats"
        | "stats_interval"
        | "stats_no_zeroes"
        | "status_interval"
        | "status_include_uptime"
        | "status_include_counters"
        | "status_signal_quality" => STATUS,
        "user" | "group" | "umask" | "infofile" | "pidfile" | "check_pid_interval" | "use_linux_ps_trick"
        | "os_cygwin" | "shell" | "shell_test" | "executable_check" | "ignore_exec_output" => SERVICE,
        "autosplit"
        | "decode_unicode_text"
        | "incoming_utf8"
        | "outgoing_utf8"
        | "internal_combine"
        | "internal_combine_binary"
        | "alphabet"
        | "trim_text" => TEXTS,
        "ic_purge_read" | "ic_purge_interval" => {
            "What stays incomplete is always published, with `complete` false, after reassembly_timeout_s below [inbound]."
        }
        "alarmhandler" | "alarmlevel" | "admin_to" | "adminmessage_device" => ALARM,
        "regular_run" | "regular_run_interval" => REGULAR,
        "checkhandler" | "start" | "start_args" | "child" | "child_args" => PROGRAMS,
        "delaytime"
        | "delaytime_mainprocess"
        | "sleeptime_mainprocess"
        | "errorsleeptime"
        | "blocktime"
        | "blockafter"
        | "max_continuous_sending"
        | "receive_before_send"
        | "suspend" => BY_ITSELF,
        "ignore_outgoing_priority" => "`priority` of a request counts; without one all are alike.",
        "international_prefixes" | "national_prefixes" => NUMBERS,
        "priviledged_numbers" => "All messages are published as they come: there is no order among them.",
        "voicecall_hangup_ath" => CALLS,
        "hangup_incoming_call" => OF_EACH,
        "keep_messages" => KEPT,
        _ => "SMS Server Tools 3.1.21 have no such option: smsd did not start with it.",
    }
}

/// The sentences for an option of a modem; `key` in small letters.
pub(super) fn of_modem(key: &str) -> &'static str {
    match key {
        "decode_unicode_text"
        | "internal_combine"
        | "internal_combine_binary"
        | "cs_convert"
        | "cs_convert_optical"
        | "language"
        | "language_ext"
        | "notice_ucs2" => TEXTS,
        "queues" => QUEUES,
        "admin_to" | "adminmessage_limit" | "adminmessage_count_clear" => ALARM,
        "regular_run"
        | "regular_run_cmd"
        | "regular_run_cmdfile"
        | "regular_run_interval"
        | "regular_run_keep_open"
        | "regular_run_logfile"
        | "regular_run_loglevel"
        | "regular_run_post_run"
        | "regular_run_statfile" => REGULAR,
        "eventhandler_ussd" | "ussd_convert" => {
            "The network's words come on sms/ussd/<modem>/reply, as text. Codes have to be in [ussd] allow."
        }
        "logfile"
        | "loglevel"
        | "loglevel_lac_ci"
        | "log_not_registered_after"
        | "report_device_details"
        | "report_read_timeouts"
        | "unexpected_input_is_trouble"
        | "ignore_unexpected_input" => LOG,
        "status_include_counters" | "status_signal_quality" | "signal_quality_ber_ignore" => STATUS,
        "phonecalls_purge"
        | "phonecalls_error_max"
        | "voicecall_clcc"
        | "voicecall_cpas"
        | "voicecall_hangup_ath"
        | "voicecall_ignore_modem_response"
        | "voicecall_vts_list"
        | "voicecall_vts_quotation_marks" => CALLS,
        "check_memory_method"
        | "cmgl_value"
        | "memory_start"
        | "primary_memory"
        | "secondary_memory"
        | "secondary_memory_max"
        | "ms_purge_hours"
        | "ms_purge_minutes"
        | "ms_purge_read" => STORAGE,
        "check_network"
        | "check_sim"
        | "check_sim_cmd"
        | "check_sim_keep_open"
        | "check_sim_reset"
        | "check_sim_retries"
        | "check_sim_wait"
        | "delaytime"
        | "delaytime_random_start"
        | "device_open_alarm_after"
        | "device_open_retries"
        | "device_open_errorsleeptime"
        | "keep_open"
        | "max_continuous_sending"
        | "receive_before_send"
        | "send_retries"
        | "sentsleeptime"
        | "socket_connection_alarm_after"
        | "socket_connection_errorsleeptime"
        | "socket_connection_retries"
        | "startsleeptime"
        | "pinsleeptime"
        | "read_configuration_after_suspend"
        | "read_identity_after_suspend" => BY_ITSELF,
        "communication_delay"
        | "detect_message_routing"
        | "detect_unexpected_input"
        | "mode"
        | "needs_wakeup_at"
        | "poll_faster"
        | "pre_init"
        | "read_delay"
        | "read_timeout"
        | "routed_status_report_cnma"
        | "rtscts"
        | "select_pdu_mode"
        | "send_delay"
        | "send_handshake_select"
        | "smsc_pdu"
        | "trust_spool"
        | "using_routed_status_report"
        | "verify_pdu"
        | "wakeup_init" => LINE,
        key if key.starts_with("read_timeout_") => LINE,
        "telnet_cmd"
        | "telnet_cmd_prompt"
        | "telnet_crlf"
        | "telnet_login"
        | "telnet_login_prompt"
        | "telnet_login_prompt_ignore"
        | "telnet_password"
        | "telnet_password_prompt" => {
            "A modem at tcp://HOST:PORT is spoken to at once, without a login: let socat or ser2net pass the port on."
        }
        "stop" => "Nothing is sent to a modem when the gateway stops.",
        "pdu_from_file" | "sending_disabled" | "text_is_pdu_key" => TESTING,
        "modem_disabled" => "Only for tests: take the modem's table out instead.",
        "outgoing" => "Every modem that is online sends. `modem` in a request chooses one.",
        "keep_messages" => KEPT,
        "incoming" => "Every modem receives: nothing to set.",
        "message_count_clear" => "It only says how long message_limit lasts: see there.",
        "national_toa_unknown" => NUMBERS,
        "priviledged_numbers" => "All messages are published as they come: there is no order among them.",
        "device"
        | "baudrate"
        | "pin"
        | "smsc"
        | "hangup_incoming_call"
        | "phonecalls"
        | "start"
        | "init"
        | "init1"
        | "init2"
        | "report"
        | "message_limit"
        | "eventhandler" => OF_EACH,
        "messageids" | "description" | "number" | "reply_path" => NO_FILES,
        _ => "SMS Server Tools 3.1.21 have no such option of a modem: smsd did not start with it.",
    }
}

/// Sorting of recipients to modems.
pub(super) const QUEUES: &str =
    "Numbers are not sorted to modems: whichever is free sends. `modem` in a request chooses one.";

/// What a section that is no modem's is for.
pub(super) fn of_section(section: &str) -> Option<&'static str> {
    match section {
        "queues" | "queue" | "providers" | "provider" => Some(QUEUES),
        "communicate" => Some("Short cuts of `smsd -C`: a terminal program such as picocom has its own."),
        _ => None,
    }
}
