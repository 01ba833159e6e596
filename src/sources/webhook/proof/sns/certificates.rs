//! The certificates of those who sign for SNS: fetched once each from SNS itself, or in a file where there is no way out.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use tokio::sync::Mutex;
use webpki::{EndEntityCert, KeyUsage};

use super::address;
use super::certificate_cache::CertificateCache;
use super::certificate_chain::{CAP, Chain, read};
use crate::certificate::validity;
use crate::file_modes;
use crate::model::Timestamp;
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;

/// Whose names SNS has in its certificates, beside the host that serves them.
const NAMES: [&str; 2] = ["sns.amazonaws.com", "sns.amazonaws.com.cn"];

/// The certificates of those who sign.
pub(in crate::sources::webhook) struct Certificates {
    origin: Origin,
    /// The authorities that a certificate must come from; empty where the host that serves it is enough.
    authorities: Vec<TrustAnchor<'static>>,
}

enum Origin {
    /// From the address in the message, which must be one of SNS.
    Sns(CertificateCache),
    /// From a file with one or more, read again when it changes.
    File {
        path: PathBuf,
        read: Mutex<(SystemTime, Chain)>,
    },
}

impl From<CertificateCache> for Certificates {
    fn from(fetched: CertificateCache) -> Self {
        Self {
            origin: Origin::Sns(fetched),
            authorities: Vec::new(),
        }
    }
}

impl Certificates {
    /// Certificates fetched from the hosts of SNS.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(in crate::sources::webhook) fn of_sns() -> anyhow::Result<Self> {
        CertificateCache::over_http().map(Self::from)
    }

    /// Certificates in a file, each of which may sign.
    ///
    /// # Errors
    /// Where the file cannot be read, others may write it, or it holds none.
    pub(in crate::sources::webhook) fn of_file(path: &Path) -> anyhow::Result<Self> {
        let changed = std::fs::metadata(path).and_then(|about| about.modified());
        let changed = changed.with_context(|| format!("reading the certificates in {}", path.display()))?;
        Ok(Self {
            origin: Origin::File {
                path: path.to_owned(),
                read: Mutex::new((changed, in_file(path)?)),
            },
            authorities: Vec::new(),
        })
    }

    /// Believes only certificates that come from an authority in the file at `path`.
    ///
    /// # Errors
    /// Where the file cannot be read, others may write it, or it holds none or something else.
    pub(in crate::sources::webhook) fn issued_by(mut self, path: &Path) -> anyhow::Result<Self> {
        for authority in in_file(path)? {
            let anchor = webpki::anchor_from_trusted_cert(&authority);
            let anchor = anchor.with_context(|| format!("{} holds something that is no authority", path.display()))?;
            self.authorities.push(anchor.to_owned());
        }
        Ok(self)
    }

    /// Checks that `signature` over `signed` is by the certificate that `address` names.
    ///
    /// # Errors
    /// 401; 503 where the certificate cannot be had.
    pub(super) async fn check(&self, address: &str, signed: &[u8], signature: &[u8], now: Timestamp) -> Result<(), Rejection> {
        // Of a file too, so that a forged message is known as one wherever its certificates come from.
        let (url, host) = address::certificate(address)
            .ok_or_else(|| untrusted("the address of the certificate is not one of SNS, so that it is not asked for"))?;
        match &self.origin {
            Origin::Sns(fetched) => {
                let chain = fetched.get(&url).await?;
                let names = NAMES.iter().copied().chain([host]);
                self.verify(&chain, Some(&names.collect::<Vec<_>>()), signed, signature, now)
                    .map_err(untrusted)
            }
            Origin::File { path, read } => {
                let chain = current(path, &mut *read.lock().await).await;
                let mut why = "no certificate of the file has signed this message";
                for certificate in &chain {
                    match self.verify(std::slice::from_ref(certificate), None, signed, signature, now) {
                        Ok(()) => return Ok(()),
                        Err(SIGNATURE) => {}
                        Err(other) => why = other,
                    }
                }
                Err(untrusted(why))
            }
        }
    }

    /// Whether the first of `chain` is good now, of one of `names`, of an authority, and has signed.
    fn verify(
        &self,
        chain: &[CertificateDer<'static>],
        names: Option<&[&str]>,
        signed: &[u8],
        signature: &[u8],
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let (der, above) = chain.split_first().ok_or("there is no certificate")?;
        let certificate = EndEntityCert::try_from(der).map_err(|_| "the certificate cannot be read")?;
        let (from, until) = validity(der).ok_or("the certificate cannot be read")?;
        if now < from || now > until {
            return Err("the certificate is not good at this time");
        }
        let is_for = |name: &&str| {
            let name = ServerName::try_from(*name);
            name.is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        };
        if names.is_some_and(|names| !names.iter().any(is_for)) {
            return Err("the certificate is not one of SNS");
        }
        if !self.authorities.is_empty() {
            let at = UnixTime::since_unix_epoch(Duration::from_millis(now.ms().try_into().unwrap_or(0)));
            certificate
                .verify_for_usage(
                    webpki::ALL_VERIFICATION_ALGS,
                    &self.authorities,
                    above,
                    at,
                    KeyUsage::server_auth(),
                    None,
                    None,
                )
                .map_err(|_| "the certificate does not come from an authority of authorities_file")?;
        }
        let algorithm = webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;
        certificate
            .verify_signature(algorithm, signed, signature)
            .map_err(|_| SIGNATURE)
    }
}

const SIGNATURE: &str = "the signature is not by the certificate over this message";

/// The certificates of a file that may have changed. One that cannot be read any more leaves those at hand in use.
async fn current(path: &Path, read: &mut (SystemTime, Chain)) -> Chain {
    let changed = tokio::fs::metadata(path).await.and_then(|about| about.modified());
    if let Ok(changed) = changed
        && changed != read.0
    {
        match in_file(path) {
            Ok(chain) => *read = (changed, chain),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the certificates cannot be read again; those at hand stay in use"
            ),
        }
    }
    read.1.clone()
}

fn in_file(path: &Path) -> anyhow::Result<Chain> {
    let bytes = file_modes::read("the certificates in", path)?;
    anyhow::ensure!(bytes.len() <= CAP, "{} is larger than {CAP} bytes", path.display());
    read(&bytes).with_context(|| format!("in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use std::time::SystemTime;

    use async_trait::async_trait;
    use bytes::Bytes;
    use reqwest::Url;

    use super::*;
    use crate::sources::RejectionKind;
    use crate::sources::webhook::proof::sns::Sns;
    use crate::sources::webhook::proof::sns::certificate_cache::{CertificateCache, FETCHES, Fetch, LATER, WHILE};

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/webhook/sns");
    /// 2026-01-31T18:42:00Z
    const NOW: i64 = 1_769_884_920;

    /// A host that serves one file, and counts.
    struct Host {
        serves: Option<&'static str>,
        asked: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl Fetch for Host {
        async fn fetch(&self, url: &Url) -> anyhow::Result<Bytes> {
            assert!(
                url.as_str()
                    .starts_with("https://sns.us-west-2.amazonaws.com/SimpleNotificationService-")
            );
            self.asked.fetch_add(1, Ordering::Relaxed);
            let file = self.serves.context("it is down")?;
            Ok(Bytes::from(std::fs::read(format!("{FIXTURES}/{file}"))?))
        }
    }

    fn sns(serves: Option<&'static str>, authorities: Option<&str>) -> (Sns, Arc<AtomicUsize>) {
        let asked = Arc::default();
        let certificates = Certificates::from(CertificateCache::by(Box::new(Host {
            serves,
            asked: Arc::clone(&asked),
        })));
        let certificates = match authorities {
            Some(file) => certificates.issued_by(Path::new(&format!("{FIXTURES}/{file}"))).unwrap(),
            None => certificates,
        };
        let sns = Sns {
            topics: vec!["arn:aws:sns:us-west-2:123456789012:MyTopic".to_owned()],
            certificates,
            tolerance: Duration::from_hours(1),
        };
        (sns, asked)
    }

    async fn told(sns: &Sns, body: &str) -> Result<String, (RejectionKind, String)> {
        let now = Timestamp::from_seconds(NOW);
        let checked = sns.check(&::http::HeaderMap::new(), body.as_bytes(), now).await;
        checked.map_err(|rejection| (rejection.kind, rejection.description))
    }

    fn notification() -> String {
        std::fs::read_to_string(format!("{FIXTURES}/notification.json")).unwrap()
    }

    #[tokio::test]
    async fn a_certificate_is_fetched_once_and_believed_for_what_it_signed() {
        let (sns, asked) = sns(Some("certificate.pem"), None);
        for _ in 0..3 {
            assert_eq!(
                told(&sns, &notification()).await.unwrap(),
                "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
            );
        }
        let forged = notification().replace("INC-1", "INC-2");
        assert_eq!(
            told(&sns, &forged).await,
            Err((RejectionKind::Unauthenticated, SIGNATURE.to_owned()))
        );
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_certificate_of_another_host_is_not_even_asked_for() {
        let (sns, asked) = sns(Some("certificate.pem"), None);
        for address in [
            "https://evil.example/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
            "https://sns.us-west-2.amazonaws.com.evil.example/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
            "http://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
            "https://sns.us-west-2.amazonaws.com@127.0.0.1/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
        ] {
            let own = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
            let (kind, why) = told(&sns, &notification().replace(own, address)).await.unwrap_err();
            assert!(
                kind == RejectionKind::Unauthenticated && why.contains("not one of SNS"),
                "{address}: {why}"
            );
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_certificate_that_ended_or_names_somebody_else_or_is_none_is_refused() {
        for (serves, why) in [("ended.pem", "not good at this time"), ("other-name.pem", "not one of SNS")] {
            let (kind, said) = told(&sns(Some(serves), None).0, &notification()).await.unwrap_err();
            assert!(
                kind == RejectionKind::Unauthenticated && said.contains(why),
                "{serves}: {said}"
            );
        }
        for serves in [None, Some("notification.json")] {
            let (kind, said) = told(&sns(serves, None).0, &notification()).await.unwrap_err();
            assert!(
                kind == RejectionKind::NotNow(LATER) && said.contains("cannot be had"),
                "{said}"
            );
        }
    }

    #[tokio::test]
    async fn a_chain_to_the_authority_is_demanded_where_one_is_configured() {
        let good = sns(Some("chain.pem"), Some("authority.pem")).0;
        assert!(told(&good, &notification()).await.is_ok());
        for (serves, authority) in [("certificate.pem", "authority.pem"), ("chain.pem", "another-authority.pem")] {
            let (kind, said) = told(&sns(Some(serves), Some(authority)).0, &notification())
                .await
                .unwrap_err();
            assert!(
                kind == RejectionKind::Unauthenticated && said.contains("authority"),
                "{serves}: {said}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_addresses_lead_to_ten_fetches_a_minute_and_no_more() {
        let (sns, asked) = sns(None, None);
        let body = |n: usize| notification().replace("f3ecfb7224c7233fe7bb5f59f96de52f", &format!("{n:032x}"));
        for n in 0..50 {
            assert_eq!(told(&sns, &body(n)).await.unwrap_err().0, RejectionKind::NotNow(LATER));
        }
        assert_eq!(asked.load(Ordering::Relaxed), FETCHES);
        tokio::time::advance(WHILE).await;
        told(&sns, &body(50)).await.unwrap_err();
        assert_eq!(asked.load(Ordering::Relaxed), FETCHES + 1);
    }

    #[tokio::test]
    async fn the_certificates_of_a_file_are_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificates.pem");
        std::fs::copy(format!("{FIXTURES}/another-authority.pem"), &path).unwrap();
        let mut sns = sns(None, None).0;
        sns.certificates = Certificates::of_file(&path).unwrap();
        let (_, why) = told(&sns, &notification()).await.unwrap_err();
        assert!(why.contains("no certificate of the file"), "{why}");
        let both = ["another-authority.pem", "certificate.pem"].map(|file| std::fs::read(format!("{FIXTURES}/{file}")).unwrap());
        std::fs::write(&path, both.concat()).unwrap();
        let changed = |mode: u32, at: u64| {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_permissions(std::fs::Permissions::from_mode(mode)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        };
        // What others may write is not believed, also where it was written after the start.
        changed(0o666, 1_000_000_000);
        assert!(told(&sns, &notification()).await.is_err());
        changed(0o644, 1_000_000_001);
        assert!(told(&sns, &notification()).await.is_ok());
        std::fs::remove_file(&path).unwrap();
        assert!(told(&sns, &notification()).await.is_ok());
        assert!(Certificates::of_file(&path).is_err());
    }
}
