//! What the configuration names on this machine: files with secrets, certificates, programs of hooks, the trace, ports,
//! the address to listen at.
//!
//! Changes nothing.

#[cfg(not(windows))]
use std::io::Read as _;
use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use smsbridge_modem::port::PortSpec;
#[cfg(windows)]
use smsbridge_modem::serial_ports;

use super::findings::Findings;
use secrecy::ExposeSecret as _;

use crate::config::{Config, Hook, SecretFile};
use crate::http;
use crate::mqtt::tls_mistakes;

/// Longest first line of a script.
#[cfg(not(windows))]
const MAX_FIRST_LINE: usize = 256;

/// Of a modem's port.
const NOT_THERE: &str = "is not there now: the gateway waits for it; `smsbridge detect` shows what is there";

/// Looks at everything.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    for file in &config.source.secret_files {
        secret(file, findings);
    }
    if let Some(tls) = &config.mqtt.tls {
        let mistakes = tls_mistakes(tls);
        if mistakes.is_empty() {
            let who = tls.client.as_ref().map_or("", |_| ", with a certificate of ours");
            let whom = tls.ca_file.as_ref().map(|path| path.display().to_string());
            let whom = whom.unwrap_or_else(|| "the system's authorities".to_owned());
            findings.ok("TLS", format!("trusts {whom}{who}"));
        }
        for mistake in mistakes {
            findings.wrong("TLS", mistake);
        }
    }
    for hook in &config.hooks {
        let program = hook.command.first().map_or("", String::as_str);
        findings.tell(format!("hook {program}"), hook_program(hook));
    }
    if let Some(trace) = &config.trace {
        let may = may_append(&trace.path).map(|()| "can be written".to_owned());
        findings.tell(format!("trace {}", trace.path.display()), may.map_err(|error| words(&error)));
    }
    if let Some(http) = &config.http {
        address(http.listen, findings);
    }
    for modem in &config.modems {
        if let PortSpec::Serial(path) = &modem.port {
            port(&modem.name.to_string(), Path::new(path), findings);
        }
    }
}

/// Whether it holds a secret: one line, and something on it.
fn one_line(file: &SecretFile) -> Result<String, String> {
    let secret = file.read().map_err(|error| words(&error))?;
    match secret.expose_secret().lines().count() {
        0 => Err("it is empty".to_owned()),
        1 => Ok("can be read".to_owned()),
        _ => Err("it has more than one line: all of them would be the secret".to_owned()),
    }
}

/// Only whether it can be read, and can be a secret: what logs in uses it.
fn secret(file: &SecretFile, findings: &mut Findings) {
    let what = format!("{} {}", file.shown_key(), file.path.display());
    match may_read(&file.path) {
        Ok(()) => findings.tell(what, one_line(file)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            findings
                .note(what, "this user may not read it: the gateway's user has to, or systemd passes it on");
        }
        Err(_) if file.is_bare() => {
            findings
                .note(what, "it is not there: fine where systemd passes it to the service (LoadCredential)");
        }
        Err(error) => findings.wrong(what, words(&error)),
    }
}

/// Whether it can be run: the program, and what runs it where it is a script.
fn hook_program(hook: &Hook) -> Result<String, String> {
    let program = hook.command.first().map_or("", String::as_str);
    let path = find_program(program)?;
    may_run(&path)?;
    match interpreter(&path)? {
        None => Ok("can be run".to_owned()),
        Some(interpreter) => Ok(format!("can be run, by {interpreter}")),
    }
}

fn find_program(program: &str) -> Result<PathBuf, String> {
    if program.contains(std::path::is_separator) {
        return Ok(PathBuf::from(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A program of Windows may be named without its `.exe`.
    let names = [program.to_owned(), format!("{program}{}", std::env::consts::EXE_SUFFIX)];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.each_ref().map(|name| folder.join(name)))
        .find(|path| path.is_file());
    found.ok_or_else(|| "no folder of PATH has it: write its whole path".to_owned())
}

fn may_run(path: &Path) -> Result<(), String> {
    let found = std::fs::metadata(path).map_err(|error| words(&error))?;
    if !found.is_file() {
        return Err("it is no file".to_owned());
    }
    may_execute(path).map_err(|_| format!("it may not be executed: chmod +x {}", path.display()))
}

/// Windows goes by the end of the name, and runs no script by its first line.
#[cfg(windows)]
fn interpreter(path: &Path) -> Result<Option<String>, String> {
    let end = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ["exe", "com", "bat", "cmd"].iter().any(|known| end == *known) {
        true => Ok(None),
        false => {
            Err("Windows does not run it by itself: name what runs it first, such as python.exe".to_owned())
        }
    }
}

/// What a script names in its first line; none for a program.
#[cfg(not(windows))]
fn interpreter(path: &Path) -> Result<Option<String>, String> {
    let mut begin = Vec::new();
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        // A program need not be readable.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(words(&error)),
    };
    file.take(MAX_FIRST_LINE as u64).read_to_end(&mut begin).map_err(|error| words(&error))?;
    let Some(line) = begin.strip_prefix(b"#!") else {
        // A program has zeros in its head; a text is run by nobody who is not named.
        return match begin.contains(&0) {
            true => Ok(None),
            false => {
                Err("it is a text without an interpreter: begin it with a line such as #!/bin/sh".to_owned())
            }
        };
    };
    let line =
        String::from_utf8_lossy(line.split(|octet| *octet == b'\n').next().unwrap_or_default()).into_owned();
    if line.ends_with('\r') {
        return Err(
            "its lines end as on Windows, so that its interpreter is not found: sed -i 's/\\r$//' it"
                .to_owned(),
        );
    }
    let mut parts = line.split_whitespace();
    let interpreter = parts.next().unwrap_or_default();
    let named = |error: String| format!("its first line names {interpreter}: {error}");
    may_run(Path::new(interpreter)).map_err(named)?;
    // `env` looks for the next word, behind its options.
    let is_env = Path::new(interpreter).file_name().is_some_and(|name| name == "env");
    match parts.find(|part| !part.starts_with('-') && !part.contains('=')).filter(|_| is_env) {
        Some(program) => {
            let path =
                find_program(program).map_err(|error| format!("its first line names {program}: {error}"))?;
            Ok(Some(path.display().to_string()))
        }
        None => Ok(Some(interpreter.to_owned())),
    }
}

/// A gateway that runs has its own address, so one in use may be as it should be.
fn address(address: SocketAddr, findings: &mut Findings) {
    let what = format!("http {address}");
    match TcpListener::bind(address) {
        Ok(_) => findings.ok(what, "can be listened at"),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            findings.note(what, "somebody listens there: fine where it is this gateway, which runs");
        }
        Err(error) => findings.wrong(what, http::why_not(&error)),
    }
}

/// A modem may be plugged in later. A COM port has no rights, and whether it is free only opening it would tell.
#[cfg(windows)]
fn port(modem: &str, path: &Path, findings: &mut Findings) {
    if !serial_ports::is_there(path) {
        findings.note(format!("modem {modem}"), format!("{} {NOT_THERE}", path.display()));
    }
}

/// A modem may be plugged in later; one that is there has to be ours to use.
#[cfg(not(windows))]
fn port(modem: &str, path: &Path, findings: &mut Findings) {
    let what = format!("modem {modem}");
    match may_read_and_write(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings.note(what, format!("{} {NOT_THERE}", path.display()));
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let words = "this user may not open it: add it to the group that owns it (dialout on Debian)";
            findings.wrong(what, format!("{}: {words}", path.display()));
        }
        Err(_) => {}
    }
}

fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not use it".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::NotADirectory => "what should be its folder is none".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether it could be written, where it is there; else whether it could be created.
fn may_append(path: &Path) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) => access(path, "w"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            access(folder, "wx").map_err(|error| match error.kind() {
                ErrorKind::NotFound => Error::other("its folder is not there: create it"),
                ErrorKind::PermissionDenied => Error::other("this user may not write in its folder"),
                _ => error,
            })
        }
        Err(error) => Err(error),
    }
}

fn may_read(path: &Path) -> Result<(), Error> {
    access(path, "r")
}

fn may_execute(path: &Path) -> Result<(), Error> {
    access(path, "x")
}

#[cfg(not(windows))]
fn may_read_and_write(path: &Path) -> Result<(), Error> {
    access(path, "rw")
}

#[cfg(unix)]
fn access(path: &Path, rights: &str) -> Result<(), Error> {
    use rustix::fs::Access;
    let right = |c| match c {
        'r' => Access::READ_OK,
        'w' => Access::WRITE_OK,
        _ => Access::EXEC_OK,
    };
    let all = rights.chars().map(right).fold(Access::EXISTS, |all, one| all | one);
    rustix::fs::access(path, all).map_err(Error::from)
}

/// Elsewhere only that it is there.
#[cfg(not(unix))]
fn access(path: &Path, _rights: &str) -> Result<(), Error> {
    std::fs::metadata(path).map(drop)
}
