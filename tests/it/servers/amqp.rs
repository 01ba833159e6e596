//! As much of AMQP 0-9-1 as it takes to sign in and to use a connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const METHOD: u8 = 1;
const FRAME_END: u8 = 0xce;

/// The class and the number of a method.
type Method = (u16, u16);

const START: Method = (10, 10);
const START_OK: Method = (10, 11);
const TUNE: Method = (10, 30);
const TUNE_OK: Method = (10, 31);
const OPEN: Method = (10, 40);
const OPEN_OK: Method = (10, 41);
const CLOSE: Method = (10, 50);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
const CHANNEL_CLOSE: Method = (20, 40);
const CHANNEL_CLOSE_OK: Method = (20, 41);

/// What the broker says of a password that it does not take.
const ACCESS_REFUSED: u16 = 403;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection(TcpStream);

fn short(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.len()).unwrap()];
    bytes.extend(text.as_bytes());
    bytes
}

fn long(value: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(value.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(value);
    bytes
}

impl Connection {
    /// Signs in with a password; `None` where the broker refuses it.
    pub(crate) async fn open(broker: SocketAddr, name: &str, password: &str) -> Option<Self> {
        let mut this = Self(TcpStream::connect(broker).await.unwrap());
        this.0.write_all(b"AMQP\0\0\x09\x01").await.unwrap();
        assert_eq!(this.receive().await.unwrap().0, START);
        // A client that says it understands the refusal is sent one; others are left with a closed socket, which could mean anything.
        let flag = [short("authentication_failure_close"), b"t\x01".to_vec()].concat();
        let properties = [short("capabilities"), b"F".to_vec(), long(&flag)].concat();
        let response = format!("\0{name}\0{password}");
        let start_ok = [long(&properties), short("PLAIN"), long(response.as_bytes()), short("en_US")].concat();
        this.send(0, START_OK, &start_ok).await.unwrap();
        match this.receive().await.unwrap() {
            (TUNE, limits) => {
                // What it proposes, with no heartbeats: a test does not read in between.
                let limits = [&limits[..6], &[0, 0]].concat();
                this.send(0, TUNE_OK, &limits).await.unwrap();
            }
            (CLOSE, why) => {
                assert_eq!(u16::from_be_bytes([why[0], why[1]]), ACCESS_REFUSED);
                return None;
            }
            other => panic!("{other:?}"),
        }
        this.send(0, OPEN, &[short("/"), vec![0, 0]].concat()).await.unwrap();
        assert_eq!(this.receive().await.unwrap().0, OPEN_OK);
        Some(this)
    }

    /// Opens a channel and closes it: whether the connection is still good for that.
    pub(crate) async fn works(&mut self) -> bool {
        match self.open_and_close_a_channel().await {
            Ok(works) => works,
            Err(error) => {
                let gone = [
                    io::ErrorKind::UnexpectedEof,
                    io::ErrorKind::ConnectionReset,
                    io::ErrorKind::BrokenPipe,
                ];
                assert!(gone.contains(&error.kind()), "{error}");
                false
            }
        }
    }

    async fn open_and_close_a_channel(&mut self) -> io::Result<bool> {
        self.send(1, CHANNEL_OPEN, &[0]).await?;
        match self.receive().await?.0 {
            CHANNEL_OPEN_OK => {}
            CLOSE => return Ok(false),
            other => panic!("{other:?}"),
        }
        self.send(1, CHANNEL_CLOSE, &[0; 7]).await?;
        match self.receive().await?.0 {
            CHANNEL_CLOSE_OK => Ok(true),
            CLOSE => Ok(false),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, channel: u16, (class, number): Method, arguments: &[u8]) -> io::Result<()> {
        let payload = [&class.to_be_bytes(), &number.to_be_bytes(), arguments].concat();
        let frame = [&[METHOD], &channel.to_be_bytes()[..], &long(&payload), &[FRAME_END]].concat();
        self.0.write_all(&frame).await
    }

    /// The next method and its arguments.
    async fn receive(&mut self) -> io::Result<(Method, Vec<u8>)> {
        let kind = self.0.read_u8().await?;
        let _channel = self.0.read_u16().await?;
        let mut payload = vec![0; self.0.read_u32().await? as usize];
        self.0.read_exact(&mut payload).await?;
        assert_eq!((kind, self.0.read_u8().await?), (METHOD, FRAME_END));
        let arguments = payload.split_off(4);
        let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
        Ok(((number(0), number(2)), arguments))
    }
}
