//! The door to PostgreSQL: a pool, and the kinds of transaction. Nothing else opens a connection for statements.

use std::ops::{Deref, DerefMut};

use diesel::sql_types::Text;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, TransactionManager as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::wake::{Wake, Wakes};

/// How often a transaction is begun on another connection when the one at hand turns out to be dead.
const BEGIN_TRIES: usize = 32;

/// A pool of connections as netily_app, bound by row-level security.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    wakes: Wakes,
}

/// A transaction. What it wakes is told after the commit, so that nobody is woken for nothing.
pub struct Tx {
    connection: Object<AsyncPgConnection>,
    wakes: Vec<Wake>,
}

impl Tx {
    /// From here on the transaction is one on the rows of an ISP: of an act that two operators agreed to on the platform's own rows.
    pub async fn act_for(&mut self, isp: IspId) -> Result<()> {
        diesel::sql_query("SELECT set_config('netily.tenant_id', $1, true)").bind::<Text, _>(isp.uuid().to_string()).execute(&mut **self).await?;
        Ok(())
    }

    /// Tells others after the commit that something changed.
    pub fn wake(&mut self, wake: Wake) {
        self.wakes.push(wake);
    }

    /// Begins a part that may be undone by itself. Must be ended by `keep_part` or `undo_part`.
    pub async fn begin_part(&mut self) -> Result<()> {
        Ok(AnsiTransactionManager::begin_transaction(&mut *self.connection).await?)
    }

    /// Keeps what was done since `begin_part`, if the transaction commits.
    pub async fn keep_part(&mut self) -> Result<()> {
        Ok(AnsiTransactionManager::commit_transaction(&mut *self.connection).await?)
    }

    /// Undoes what was done since `begin_part`; the transaction goes on.
    pub async fn undo_part(&mut self) -> Result<()> {
        Ok(AnsiTransactionManager::rollback_transaction(&mut *self.connection).await?)
    }
}

impl Deref for Tx {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

/// An async closure over a borrowed transaction whose future may be sent between threads. The compiler needs the
/// future's type named to require `Send` of it for every lifetime.
pub trait TxFn<A, R>: AsyncFnOnce(A) -> R + FnOnce(A) -> <Self as TxFn<A, R>>::Fut {
    /// The future.
    type Fut: Future<Output = R>;
}

impl<A, R, F, Fut> TxFn<A, R> for F
where
    F: AsyncFnOnce(A) -> R + FnOnce(A) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

impl Db {
    /// A pool of at most `connections`. Connections are opened when needed.
    pub fn new(url: &SecretString, connections: usize, wakes: Wakes) -> Result<Db> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url.expose_secret(), config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(std::time::Duration::from_secs(5)))
            .create_timeout(Some(std::time::Duration::from_secs(5)))
            .build()
            .map_err(Error::internal)?;
        Ok(Db { pool, wakes })
    }

    /// A transaction on the rows of one ISP.
    pub async fn tx<T, F>(&self, isp: IspId, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        // Only a typed UUID is formatted into the statement. One round trip begins and sets the tenant.
        self.run(&format!("BEGIN; SET LOCAL netily.tenant_id = '{}'", isp.uuid()), work).await
    }

    /// A look at the rows of one ISP, and at the platform's own tables. Its end changes nothing.
    pub async fn look<T, F>(&self, isp: IspId, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        self.run(&format!("BEGIN READ ONLY; SET LOCAL netily.tenant_id = '{}'", isp.uuid()), work).await
    }

    /// A transaction on the platform's own tables; no ISP's rows are seen.
    pub async fn public<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        self.run("BEGIN", work).await
    }

    /// A read-only look across all ISPs, in one snapshot.
    pub async fn across<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE netily_platform", work).await
    }

    /// One statement, which is a transaction by itself and one round trip: on the platform's own tables, or a function that finds the
    /// rows of ISPs by itself.
    pub async fn statement<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        let mut tx = Tx { connection: self.pool.get().await.map_err(unreachable)?, wakes: Vec::new() };
        let value = work(&mut tx).await?;
        self.wakes.send(tx.wakes);
        Ok(value)
    }

    /// The same for what may be done twice: when it fails it is done once more, in a transaction. A statement may meet a connection that died
    /// meanwhile, or be chosen in a deadlock; a transaction is begun on a connection that lives.
    pub async fn surely<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send + Clone,
    {
        match self.statement(work.clone()).await {
            Err(error) => {
                tracing::debug!(%error, "a statement is repeated");
                self.public(work).await
            }
            done => done,
        }
    }

    async fn run<T, F>(&self, begin: &str, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Tx) -> Result<T> + for<'c> TxFn<&'c mut Tx, Result<T>, Fut: Send> + Send,
    {
        let mut tx = Tx { connection: self.begin(begin).await?, wakes: Vec::new() };
        match work(&mut tx).await {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(&mut *tx.connection).await?;
                self.wakes.send(tx.wakes);
                Ok(value)
            }
            Err(error) => {
                // A connection that cannot roll back is broken, and the pool discards it.
                if let Err(cause) = AnsiTransactionManager::rollback_transaction(&mut *tx.connection).await {
                    tracing::debug!(%cause, "rollback failed");
                }
                Err(error)
            }
        }
    }

    /// After a restart of PostgreSQL the pool is full of dead connections: each shows at its first BEGIN, before any
    /// work was done, so another one is tried.
    async fn begin(&self, begin: &str) -> Result<Object<AsyncPgConnection>> {
        let mut tries = 0;
        loop {
            let mut connection = self.pool.get().await.map_err(unreachable)?;
            match AnsiTransactionManager::begin_transaction_sql(&mut *connection, begin).await {
                Ok(()) => return Ok(connection),
                Err(cause) => {
                    drop(Object::take(connection));
                    tries += 1;
                    if tries == BEGIN_TRIES {
                        return Err(cause.into());
                    }
                }
            }
        }
    }
}

fn unreachable(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error {
        retry_after: Some(std::time::Duration::from_secs(1)),
        source: Some(Box::new(cause)),
        ..Error::new(Reason::Unavailable, "The database is not reachable right now. Please try again.")
    }
}

/// Connects once, outside the pool: for migrations and for listening.
pub async fn connect(url: &SecretString) -> Result<AsyncPgConnection, diesel::ConnectionError> {
    AsyncPgConnection::establish(url.expose_secret()).await
}
