//! A second process on a store is connected to the first, its command runs there, and its output comes back.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;

use messier_store::Error;
use messier_store::owner::{Claim, Connection, EXIT_BUG, Frame, Guard, Output, Request, claim};

fn own(dir: &Path) -> Guard {
    match claim(dir).unwrap() {
        Claim::Owner(guard) => guard,
        Claim::Other(_) => panic!("somebody else is the owner"),
    }
}

fn call(dir: &Path) -> Connection {
    match claim(dir).unwrap() {
        Claim::Other(connection) => connection,
        Claim::Owner(_) => panic!("nobody was the owner"),
    }
}

fn request(text: &str) -> Request {
    Request {
        text: text.into(),
        cwd: "/somewhere".into(),
        output: Output {
            width: Some(99),
            color: true,
            ..Output::default()
        },
    }
}

#[test]
fn output_and_exit_code_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = own(dir.path());
    guard.serve(|request, sink| {
        sink.progress("1 of 2");
        sink.stdout(
            format!(
                "{} in {} at {:?}",
                request.text,
                request.cwd.display(),
                request.output.width
            )
            .as_bytes(),
        );
        sink.stderr(b"a note");
        7
    });
    let mut frames = Vec::new();
    let code = call(dir.path())
        .run(request("[\"list\"]"), |frame| frames.push(frame))
        .unwrap();
    assert_eq!(code, 7);
    assert_eq!(
        frames,
        [
            Frame::Progress("1 of 2".into()),
            Frame::Stdout(b"[\"list\"] in /somewhere at Some(99)".to_vec()),
            Frame::Stderr(b"a note".to_vec())
        ]
    );
}

#[test]
fn many_are_served_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = own(dir.path());
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(4));
    guard.serve(move |request, sink| {
        // Passed only if four commands run at one time.
        barrier.wait();
        sink.stdout(request.text.as_bytes());
        0
    });
    let callers: Vec<_> = (0..4)
        .map(|i| {
            let connection = call(dir.path());
            std::thread::spawn(move || {
                let mut out = Vec::new();
                let code = connection
                    .run(request(&i.to_string()), |frame| out.push(frame))
                    .unwrap();
                assert_eq!(
                    (code, out),
                    (0, vec![Frame::Stdout(i.to_string().into_bytes())])
                );
            })
        })
        .collect();
    callers
        .into_iter()
        .for_each(|caller| caller.join().unwrap());
}

#[test]
fn a_cancel_and_a_hang_up_stop_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = own(dir.path());
    let (started, starts) = mpsc::channel();
    let (stopped, stops) = mpsc::channel();
    guard.serve(move |_, sink| {
        started.send(()).unwrap();
        while !sink.cancelled() {
            std::thread::yield_now();
        }
        stopped.send(()).unwrap();
        130
    });
    let connection = call(dir.path());
    let mut canceller = connection.canceller().unwrap();
    let caller = std::thread::spawn(move || connection.run(request("long"), |_| ()));
    starts.recv().unwrap();
    canceller.cancel();
    stops.recv().unwrap();
    assert_eq!(caller.join().unwrap().unwrap(), 130);

    let connection = call(dir.path());
    let hang_up = connection.canceller().unwrap();
    let caller = std::thread::spawn(move || connection.run(request("long"), |_| ()));
    starts.recv().unwrap();
    // The owner ends while the command runs: it is asked to stop, and its exit code still comes.
    drop(guard);
    stops.recv().unwrap();
    assert_eq!(caller.join().unwrap().unwrap(), 130);
    drop(hang_up);
}

#[test]
fn a_handler_that_panics_is_a_bug_and_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = own(dir.path());
    guard.serve(|request, _| {
        if request.text == "bad" {
            panic!("on purpose")
        } else {
            0
        }
    });
    let code = call(dir.path()).run(request("bad"), |_| ()).unwrap();
    assert_eq!(code, EXIT_BUG);
    assert_eq!(call(dir.path()).run(request("good"), |_| ()).unwrap(), 0);
}

#[test]
fn the_newcomer_takes_over_from_an_owner_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    // What a killed owner leaves: a socket nobody listens on, a lock file nobody holds.
    let path = dir.path().join("owner.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    fs::write(dir.path().join("owner.lock"), "").unwrap();
    let mut guard = own(dir.path());
    guard.serve(|_, _| 3);
    assert_eq!(call(dir.path()).run(request(""), |_| ()).unwrap(), 3);
    drop(guard);
    assert!(!path.exists());
    drop(own(dir.path()));
}

#[test]
fn only_the_owner_may_use_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let _guard = own(dir.path());
    let mode = fs::metadata(dir.path().join("owner.sock"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn another_version_is_a_sentence_and_nonsense_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = own(dir.path());
    guard.serve(|_, _| 0);
    for nonsense in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64]] {
        let mut stream = UnixStream::connect(dir.path().join("owner.sock")).unwrap();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() <= 12);
    }
    assert_eq!(call(dir.path()).run(request(""), |_| ()).unwrap(), 0);
    drop(guard);

    let lock = fs::OpenOptions::new()
        .write(true)
        .open(dir.path().join("owner.lock"))
        .unwrap();
    lock.lock().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(dir.path().join("owner.sock")).unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"MESSIER\n\x09\0\0\0").unwrap();
    });
    let error = claim(dir.path()).unwrap_err();
    other.join().unwrap();
    assert!(
        matches!(error, Error::OtherProtocol { theirs: 9, .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("close the other one, or use the same version")
    );
}

#[test]
fn a_path_too_long_for_a_socket_is_served_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("x".repeat(120));
    fs::create_dir(&long).unwrap();
    let mut guard = own(&long);
    guard.serve(|_, _| 5);
    assert_eq!(call(&long).run(request(""), |_| ()).unwrap(), 5);
}
