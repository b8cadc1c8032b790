//! A real stand-alone server on a folder, and a client that reads all of its tree.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use zoolab::proto::jute::{Reader, Writer};

use super::Java;

/// Stopped when it is dropped.
pub struct Server {
    process: Child,
    port: u16,
    log: PathBuf,
}

/// How long a Java server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    /// Starts a server on the data directory `folder`, and waits until it serves.
    pub fn start(java: &Java, folder: &Path) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!("tickTime=2000\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\n", folder.display());
        fs::write(folder.join("zoo.cfg"), config).unwrap();
        let log = folder.join("server.log");
        let errors = fs::File::create(&log).unwrap();
        let mut command = java.command();
        // Properties stand before the class; `super:test` may read everything.
        let class_path = command.get_args().position(|arg| arg == "-cp").expect("a class path");
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let properties = [
            "-Dzookeeper.extendedTypesEnabled=true",
            "-Dzookeeper.admin.enableServer=false",
            "-Dznode.container.checkIntervalMs=3600000",
            "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
        ];
        command = std::process::Command::new("java");
        command.args(&arguments[..class_path]).args(properties).args(&arguments[class_path..]);
        command.arg("org.apache.zookeeper.server.ZooKeeperServerMain").arg(folder.join("zoo.cfg"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().expect("java runs");
        let mut server = Server { process, port, log };
        let started = Instant::now();
        while server.connect().is_none() {
            assert!(server.process.try_wait().unwrap().is_none(), "the server has ended: {}", server.log());
            assert!(started.elapsed() < PATIENCE, "the server does not serve: {}", server.log());
            sleep(Duration::from_millis(100));
        }
        server
    }

    /// What it had to say, at the level of warnings.
    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Every node, as `tree.json` of the shared data has it. Sessions are not to be seen from outside: they are left out.
    pub fn tree(&self) -> Value {
        let mut session = self.connect().expect("a session");
        session.authenticate();
        // `[main] WARN org.apache.zookeeper.server.persistence.FileSnap - …`; other lines are about connections that came too early.
        let log = self.log();
        let about_files = |line: &&str| ["server.persistence.", "server.DataTree ", "server.ZKDatabase "].iter().any(|name| line.contains(name));
        let complaints: Vec<&str> = log.lines().filter(|line| line.starts_with('[')).filter(about_files).collect();
        assert_eq!(complaints, [""; 0], "files are read without complaint");
        let mut tree = Map::new();
        let mut open = vec!["/".to_owned()];
        while let Some(path) = open.pop() {
            let node = session.node(&path);
            let children = node["children"].as_array().expect("a list").clone();
            open.extend(children.iter().map(|name| format!("{}/{}", path.trim_end_matches('/'), name.as_str().expect("a name"))));
            tree.insert(path, node);
        }
        json!({ "tree": tree })
    }

    fn connect(&self) -> Option<Session> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut session = Session { stream, xid: 0 };
        let mut request = Writer::default();
        request.int(0);
        request.long(0);
        request.int(30_000);
        request.long(0);
        request.buffer(Some(&[0; 16]));
        request.bool(false);
        session.send(request)?;
        session.receive().map(|_| session)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A session of the client protocol, as much of it as reading needs.
struct Session {
    stream: TcpStream,
    xid: i32,
}

impl Session {
    fn send(&mut self, packet: Writer) -> Option<()> {
        let mut framed = (packet.len() as i32).to_be_bytes().to_vec();
        framed.extend(packet.into_bytes());
        self.stream.write_all(&framed).ok()
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut packet).ok()?;
        Some(packet)
    }

    fn call(&mut self, xid: i32, op: i32, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut packet = Writer::default();
        packet.int(xid);
        packet.int(op);
        body(&mut packet);
        self.send(packet).expect("the server listens");
        let reply = self.receive().expect("the server answers");
        let mut head = Reader::new(&reply);
        let (answered, _zxid, error) = (head.int().unwrap(), head.long().unwrap(), head.int().unwrap());
        assert_eq!((answered, error), (xid, 0), "op {op}");
        head.rest().to_vec()
    }

    fn authenticate(&mut self) {
        self.call(-4, 100, |body| {
            body.int(0);
            body.string("digest");
            body.buffer(Some(b"super:test"));
        });
    }

    /// getData, getACL and getChildren.
    fn node(&mut self, path: &str) -> Value {
        let data = self.read(4, path, true);
        let mut reader = Reader::new(&data);
        let data_hex = reader.buffer().unwrap().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let stat = stat(&mut reader);
        let list = self.read(6, path, false);
        let mut acl = Reader::new(&list).acl().unwrap().to_vec();
        acl.sort();
        let names = self.read(8, path, true);
        let mut reader = Reader::new(&names);
        let mut children: Vec<_> = (0..reader.count(4).unwrap()).map(|_| reader.string().unwrap()).collect();
        children.sort();
        let acl: Vec<Value> = acl.iter().map(|acl| json!([acl.perms, acl.scheme, acl.id])).collect();
        json!({ "data_hex": data_hex, "acl": acl, "children": children, "stat": stat })
    }

    fn read(&mut self, op: i32, path: &str, watch: bool) -> Vec<u8> {
        self.xid += 1;
        self.call(self.xid, op, |body| {
            body.string(path);
            if watch {
                body.bool(false);
            }
        })
    }
}

fn stat(reader: &mut Reader) -> Value {
    let (czxid, mzxid, ctime, mtime) = (reader.long().unwrap(), reader.long().unwrap(), reader.long().unwrap(), reader.long().unwrap());
    let (version, cversion, aversion) = (reader.int().unwrap(), reader.int().unwrap(), reader.int().unwrap());
    let (owner, len, children, pzxid) = (reader.long().unwrap(), reader.int().unwrap(), reader.int().unwrap(), reader.long().unwrap());
    json!({
        "czxid": czxid, "mzxid": mzxid, "pzxid": pzxid, "ctime": ctime, "mtime": mtime, "version": version, "cversion": cversion,
        "aversion": aversion, "owner": owner, "len": len, "children": children,
    })
}
