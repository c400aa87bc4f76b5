package dev.openlora.settlement.chain.contract;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import javax.annotation.processing.Generated;
import org.web3j.abi.TypeReference;
import org.web3j.abi.datatypes.Address;
import org.web3j.abi.datatypes.DynamicArray;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.StaticStruct;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Bytes32;
import org.web3j.abi.datatypes.generated.Uint128;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.abi.datatypes.generated.Uint64;
import org.web3j.abi.datatypes.generated.Uint96;
import org.web3j.crypto.Credentials;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.RemoteCall;
import org.web3j.protocol.core.RemoteFunctionCall;
import org.web3j.tx.Contract;
import org.web3j.tx.TransactionManager;
import org.web3j.tx.gas.ContractGasProvider;

/**
 * <p>Auto generated code.
 * <p><strong>Do not modify!</strong>
 * <p>Please use the <a href="https://docs.web3j.io/command_line.html">web3j command line tools</a>,
 * or the org.web3j.codegen.SolidityFunctionWrapperGenerator in the 
 * <a href="https://github.com/LFDT-web3j/web3j/tree/main/codegen">codegen module</a> to update.
 *
 * <p>Generated with web3j version 5.0.2.
 */
@SuppressWarnings("rawtypes")
@Generated("org.web3j.codegen.SolidityFunctionWrapperGenerator")
public class HashingProbe extends Contract {
    public static final String BINARY = "60808060405234601557610c34908161001a8239f35b5f80fdfe60806040526004361015610011575f80fd5b5f3560e01c8063177112f91461089357806349b1db65146107b057806352f7acd0146105ff57806368cd315b146104d357806373ac3acf1461048b5780638c4ca6601461039c5780639c0d8213146102a15763d07213af14610071575f80fd5b3461028b57602036600319011261028b576004356001600160401b03811161028b573660238201121561028b578060040135906001600160401b03821161028b5736602461016084028301011161028b576100cb82610979565b905f5b8381101561028f5761016081028201610160602319823603011261028b576040519061016082018281106001600160401b038211176102775760405261011660248201610b0f565b918281526020810191604481013583526040820160648201358152606083016084830135815260a4830161014990610b23565b6080850190815261015c60c48501610b23565b60a0860190815261016f60e48601610b0f565b60c08701908152916101846101048701610b0f565b9360e08801948552610100880195610124880135875261014488016101a890610b0f565b976101208a01988952610164016101be90610b0f565b98610140019889526040519960208b019b6001600160401b03168c525160408b01525160608a0152516080890152516001600160801b031660a0880152516001600160801b031660c0870152516001600160401b031660e0860152516001600160401b031661010085015251610120840152516001600160401b0316610140830152516001600160401b0316610160820152610160815261026161018082610941565b51902061026e82856109e3565b526001016100ce565b634e487b7160e01b5f52604160045260245ffd5b5f80fd5b6040518061029d8582610908565b0390f35b3461028b57602036600319011261028b576004356001600160401b03811161028b573660238201121561028b578060040135906001600160401b03821161028b576024810190602436916060850201011161028b576102ff82610979565b915f5b818110610317576040518061029d8682610908565b8061032d6103286001938587610ad7565b610ae7565b602061033a838688610ad7565b01356001600160601b0361035a604061035486898b610ad7565b01610afb565b604051926001600160401b036020850195168552604084015216606082015260608152610388608082610941565b51902061039582876109e3565b5201610302565b3461028b57602036600319011261028b576004356001600160401b03811161028b573660238201121561028b5780600401356001600160401b03811161028b576024820191602436918360071b01011161028b576103f981610979565b915f5b828110610411576040518061029d8682610908565b8061041f6001928585610ac7565b35602061042d838787610ac7565b0135604061043c848888610ac7565b0135606061044b858989610ac7565b01359060405192602084019485526040840152606083015260808201526080815261047760a082610941565b51902061048482876109e3565b52016103fc565b3461028b57602036600319011261028b576004356001600160401b03811161028b576104c76104c161029d9236906004016108d8565b90610a07565b60405191829182610908565b3461028b57602036600319011261028b576004356001600160401b03811161028b576105039036906004016108d8565b9061050d82610979565b915f5b818110610525576040518061029d8682610908565b8061053360019284866109f7565b61053c816109cf565b906001600160401b03610551602083016109cf565b916001600160601b03610566604083016109cf565b9161057f608061057860608401610afb565b9201610ae7565b926040519560208701977f2a3abdc6f9a36d02a70b3a25e3ff2f5ded0ae035e79c4118df286215d809630489528a8060a01b03166040880152898060a01b03166060870152888060a01b031660808601521660a08401521660c082015260c081526105eb60e082610941565b5190206105f882876109e3565b5201610510565b3461028b57602036600319011261028b576004356001600160401b03811161028b573660238201121561028b5780600401356001600160401b03811161028b5736602461018083028401011161028b5761065881610979565b915f5b828110156107a257610180810282019060405160208101907fb9f7772e9556500ad512ef59f844be32c48f3481d7dd6666c5782ec7eff5d596825260248401356040820152604484013560018060a01b03811680910361028b57606082015260648401356080820152608484013560a082015260a484013560c082015260c484013560e08201526001600160401b036106f660e48601610b0f565b166101008201526001600160401b036107126101048601610b0f565b166101208201526001600160401b0361072e6101248601610b0f565b166101408201526101448401356001600160601b03811680910361028b576107766101846001966001600160401b039361016086015261016481013561018086015201610b0f565b166101a08201526101a0815261078e6101c082610941565b51902061079b82876109e3565b520161065b565b6040518061029d8682610908565b3461028b57602036600319011261028b576004356001600160401b03811161028b573660238201121561028b5780600401356001600160401b03811161028b576024820191602436918360061b01011161028b5761080d81610979565b915f5b828110610825576040518061029d8682610908565b8061087b61083e61083960019487876109ab565b6109cf565b602061084b8488886109ab565b0135604051906020820192868060a01b03168352604082015260408152610873606082610941565b519020610c19565b6020815191012061088c82876109e3565b5201610810565b3461028b57602036600319011261028b576004356001600160401b03811161028b576108d06108cb6104c160209336906004016108d8565b610b37565b604051908152f35b9181601f8401121561028b578235916001600160401b03831161028b5760208085019460a0850201011161028b57565b60206040818301928281528451809452019201905f5b81811061092b5750505090565b825184526020938401939092019160010161091e565b90601f801991011681019081106001600160401b0382111761027757604052565b6001600160401b0381116102775760051b60200190565b9061098382610962565b6109906040519182610941565b82815280926109a1601f1991610962565b0190602036910137565b91908110156109bb5760061b0190565b634e487b7160e01b5f52603260045260245ffd5b356001600160a01b038116810361028b5790565b80518210156109bb5760209160051b010190565b91908110156109bb5760a0020190565b919091610a1383610979565b925f5b818110610a2257505050565b80610aaf610a3360019385876109f7565b610a3c816109cf565b906080610a4b60208301610ae7565b916001600160601b03610a6060408301610ae7565b6001600160401b03610a7460608501610afb565b91816040519760208901998d8060a01b03168a521660408801521660608601521682840152013560a082015260a0815261087360c082610941565b60208151910120610ac082886109e3565b5201610a16565b91908110156109bb5760071b0190565b91908110156109bb576060020190565b356001600160401b038116810361028b5790565b356001600160601b038116810361028b5790565b35906001600160401b038216820361028b57565b35906001600160801b038216820361028b57565b80518015610c13575b60018111610b5757508051156109bb576020015190565b8060011c5f5b818110610bbf5750600180831614610b98575b5060018101809111610b845760011c610b40565b634e487b7160e01b5f52601160045260245ffd5b5f198201828111610b8457610bb0610bb891856109e3565b5191846109e3565b525f610b70565b600181901b906001600160ff1b0381168103610b8457610bdf82866109e3565b5160018301809311610b8457610bf7600193876109e3565b51905f5260205260405f20610c0c82876109e3565b5201610b5d565b50505f90565b9060405191602083015260208252610c32604083610941565b56";

    private static String librariesLinkedBinary;

    public static final String FUNC_BATCHES = "batches";

    public static final String FUNC_DEBITLEAVES = "debitLeaves";

    public static final String FUNC_DEBITROOT = "debitRoot";

    public static final String FUNC_LIMITS = "limits";

    public static final String FUNC_PAYOUTLEAVES = "payoutLeaves";

    public static final String FUNC_RECEIPTLEAVES = "receiptLeaves";

    public static final String FUNC_RECEIPTS = "receipts";

    public static final String FUNC_SUMNODES = "sumNodes";

    @Deprecated
    protected HashingProbe(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    protected HashingProbe(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, credentials, contractGasProvider);
    }

    @Deprecated
    protected HashingProbe(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    protected HashingProbe(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public RemoteFunctionCall<List> batches(List<Batch> all) {
        final Function function = new Function(FUNC_BATCHES, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<Batch>(Batch.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<List> debitLeaves(List<ChargedDebit> all) {
        final Function function = new Function(FUNC_DEBITLEAVES, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<ChargedDebit>(ChargedDebit.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<byte[]> debitRoot(List<ChargedDebit> all) {
        final Function function = new Function(FUNC_DEBITROOT, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<ChargedDebit>(ChargedDebit.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bytes32>() {}));
        return executeRemoteCallSingleValueReturn(function, byte[].class);
    }

    public RemoteFunctionCall<List> limits(List<SpendingLimit> all) {
        final Function function = new Function(FUNC_LIMITS, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<SpendingLimit>(SpendingLimit.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<List> payoutLeaves(List<PayoutLeaf> all) {
        final Function function = new Function(FUNC_PAYOUTLEAVES, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<PayoutLeaf>(PayoutLeaf.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<List> receiptLeaves(List<ReceiptLeaf> all) {
        final Function function = new Function(FUNC_RECEIPTLEAVES, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<ReceiptLeaf>(ReceiptLeaf.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<List> receipts(List<Receipt> all) {
        final Function function = new Function(FUNC_RECEIPTS, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<Receipt>(Receipt.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    public RemoteFunctionCall<List> sumNodes(List<SumPair> all) {
        final Function function = new Function(FUNC_SUMNODES, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicArray<SumPair>(SumPair.class, all)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<DynamicArray<Bytes32>>() {}));
        return new RemoteFunctionCall<List>(function,
                new Callable<List>() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public List call() throws Exception {
                        List<Type> result = (List<Type>) executeCallSingleValueReturn(function, List.class);
                        return convertToNative(result);
                    }
                });
    }

    @Deprecated
    public static HashingProbe load(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        return new HashingProbe(contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    @Deprecated
    public static HashingProbe load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return new HashingProbe(contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    public static HashingProbe load(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        return new HashingProbe(contractAddress, web3j, credentials, contractGasProvider);
    }

    public static HashingProbe load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return new HashingProbe(contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public static RemoteCall<HashingProbe> deploy(Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        return deployRemoteCall(HashingProbe.class, web3j, credentials, contractGasProvider, getDeploymentBinary(), "");
    }

    @Deprecated
    public static RemoteCall<HashingProbe> deploy(Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        return deployRemoteCall(HashingProbe.class, web3j, credentials, gasPrice, gasLimit, getDeploymentBinary(), "");
    }

    public static RemoteCall<HashingProbe> deploy(Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return deployRemoteCall(HashingProbe.class, web3j, transactionManager, contractGasProvider, getDeploymentBinary(), "");
    }

    @Deprecated
    public static RemoteCall<HashingProbe> deploy(Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return deployRemoteCall(HashingProbe.class, web3j, transactionManager, gasPrice, gasLimit, getDeploymentBinary(), "");
    }

    public static void linkLibraries(List<Contract.LinkReference> references) {
        librariesLinkedBinary = linkBinaryWithReferences(BINARY, references);
    }

    private static String getDeploymentBinary() {
        if (librariesLinkedBinary != null) {
            return librariesLinkedBinary;
        } else {
            return BINARY;
        }
    }

    public static class Batch extends StaticStruct {
        public BigInteger seq;

        public byte[] prevHash;

        public byte[] receiptsRoot;

        public byte[] payoutsRoot;

        public BigInteger charged;

        public BigInteger payoutsTotal;

        public BigInteger periodStart;

        public BigInteger periodEnd;

        public byte[] daHash;

        public BigInteger postedAt;

        public BigInteger epoch;

        public Batch(BigInteger seq, byte[] prevHash, byte[] receiptsRoot, byte[] payoutsRoot,
                BigInteger charged, BigInteger payoutsTotal, BigInteger periodStart,
                BigInteger periodEnd, byte[] daHash, BigInteger postedAt, BigInteger epoch) {
            super(new org.web3j.abi.datatypes.generated.Uint64(seq), 
                    new org.web3j.abi.datatypes.generated.Bytes32(prevHash), 
                    new org.web3j.abi.datatypes.generated.Bytes32(receiptsRoot), 
                    new org.web3j.abi.datatypes.generated.Bytes32(payoutsRoot), 
                    new org.web3j.abi.datatypes.generated.Uint128(charged), 
                    new org.web3j.abi.datatypes.generated.Uint128(payoutsTotal), 
                    new org.web3j.abi.datatypes.generated.Uint64(periodStart), 
                    new org.web3j.abi.datatypes.generated.Uint64(periodEnd), 
                    new org.web3j.abi.datatypes.generated.Bytes32(daHash), 
                    new org.web3j.abi.datatypes.generated.Uint64(postedAt), 
                    new org.web3j.abi.datatypes.generated.Uint64(epoch));
            this.seq = seq;
            this.prevHash = prevHash;
            this.receiptsRoot = receiptsRoot;
            this.payoutsRoot = payoutsRoot;
            this.charged = charged;
            this.payoutsTotal = payoutsTotal;
            this.periodStart = periodStart;
            this.periodEnd = periodEnd;
            this.daHash = daHash;
            this.postedAt = postedAt;
            this.epoch = epoch;
        }

        public Batch(Uint64 seq, Bytes32 prevHash, Bytes32 receiptsRoot, Bytes32 payoutsRoot,
                Uint128 charged, Uint128 payoutsTotal, Uint64 periodStart, Uint64 periodEnd,
                Bytes32 daHash, Uint64 postedAt, Uint64 epoch) {
            super(seq, prevHash, receiptsRoot, payoutsRoot, charged, payoutsTotal, periodStart, periodEnd, daHash, postedAt, epoch);
            this.seq = seq.getValue();
            this.prevHash = prevHash.getValue();
            this.receiptsRoot = receiptsRoot.getValue();
            this.payoutsRoot = payoutsRoot.getValue();
            this.charged = charged.getValue();
            this.payoutsTotal = payoutsTotal.getValue();
            this.periodStart = periodStart.getValue();
            this.periodEnd = periodEnd.getValue();
            this.daHash = daHash.getValue();
            this.postedAt = postedAt.getValue();
            this.epoch = epoch.getValue();
        }
    }

    public static class ChargedDebit extends StaticStruct {
        public String payer;

        public BigInteger firstSeq;

        public BigInteger count;

        public BigInteger delta;

        public byte[] subRoot;

        public ChargedDebit(String payer, BigInteger firstSeq, BigInteger count, BigInteger delta,
                byte[] subRoot) {
            super(new org.web3j.abi.datatypes.Address(160, payer), 
                    new org.web3j.abi.datatypes.generated.Uint64(firstSeq), 
                    new org.web3j.abi.datatypes.generated.Uint64(count), 
                    new org.web3j.abi.datatypes.generated.Uint96(delta), 
                    new org.web3j.abi.datatypes.generated.Bytes32(subRoot));
            this.payer = payer;
            this.firstSeq = firstSeq;
            this.count = count;
            this.delta = delta;
            this.subRoot = subRoot;
        }

        public ChargedDebit(Address payer, Uint64 firstSeq, Uint64 count, Uint96 delta,
                Bytes32 subRoot) {
            super(payer, firstSeq, count, delta, subRoot);
            this.payer = payer.getValue();
            this.firstSeq = firstSeq.getValue();
            this.count = count.getValue();
            this.delta = delta.getValue();
            this.subRoot = subRoot.getValue();
        }
    }

    public static class SpendingLimit extends StaticStruct {
        public String payer;

        public String signer;

        public String operator;

        public BigInteger limit;

        public BigInteger expiry;

        public SpendingLimit(String payer, String signer, String operator, BigInteger limit,
                BigInteger expiry) {
            super(new org.web3j.abi.datatypes.Address(160, payer), 
                    new org.web3j.abi.datatypes.Address(160, signer), 
                    new org.web3j.abi.datatypes.Address(160, operator), 
                    new org.web3j.abi.datatypes.generated.Uint96(limit), 
                    new org.web3j.abi.datatypes.generated.Uint64(expiry));
            this.payer = payer;
            this.signer = signer;
            this.operator = operator;
            this.limit = limit;
            this.expiry = expiry;
        }

        public SpendingLimit(Address payer, Address signer, Address operator, Uint96 limit,
                Uint64 expiry) {
            super(payer, signer, operator, limit, expiry);
            this.payer = payer.getValue();
            this.signer = signer.getValue();
            this.operator = operator.getValue();
            this.limit = limit.getValue();
            this.expiry = expiry.getValue();
        }
    }

    public static class PayoutLeaf extends StaticStruct {
        public String beneficiary;

        public BigInteger cumulative;

        public PayoutLeaf(String beneficiary, BigInteger cumulative) {
            super(new org.web3j.abi.datatypes.Address(160, beneficiary), 
                    new org.web3j.abi.datatypes.generated.Uint256(cumulative));
            this.beneficiary = beneficiary;
            this.cumulative = cumulative;
        }

        public PayoutLeaf(Address beneficiary, Uint256 cumulative) {
            super(beneficiary, cumulative);
            this.beneficiary = beneficiary.getValue();
            this.cumulative = cumulative.getValue();
        }
    }

    public static class ReceiptLeaf extends StaticStruct {
        public BigInteger seq;

        public byte[] hash;

        public BigInteger amount;

        public ReceiptLeaf(BigInteger seq, byte[] hash, BigInteger amount) {
            super(new org.web3j.abi.datatypes.generated.Uint64(seq), 
                    new org.web3j.abi.datatypes.generated.Bytes32(hash), 
                    new org.web3j.abi.datatypes.generated.Uint96(amount));
            this.seq = seq;
            this.hash = hash;
            this.amount = amount;
        }

        public ReceiptLeaf(Uint64 seq, Bytes32 hash, Uint96 amount) {
            super(seq, hash, amount);
            this.seq = seq.getValue();
            this.hash = hash.getValue();
            this.amount = amount.getValue();
        }
    }

    public static class Receipt extends StaticStruct {
        public byte[] requestId;

        public String payer;

        public byte[] model;

        public byte[] adapter;

        public byte[] promptHash;

        public byte[] outputHash;

        public BigInteger tokensIn;

        public BigInteger tokensOut;

        public BigInteger priceId;

        public BigInteger amount;

        public byte[] traceHash;

        public BigInteger timestamp;

        public Receipt(byte[] requestId, String payer, byte[] model, byte[] adapter,
                byte[] promptHash, byte[] outputHash, BigInteger tokensIn, BigInteger tokensOut,
                BigInteger priceId, BigInteger amount, byte[] traceHash, BigInteger timestamp) {
            super(new org.web3j.abi.datatypes.generated.Bytes32(requestId), 
                    new org.web3j.abi.datatypes.Address(160, payer), 
                    new org.web3j.abi.datatypes.generated.Bytes32(model), 
                    new org.web3j.abi.datatypes.generated.Bytes32(adapter), 
                    new org.web3j.abi.datatypes.generated.Bytes32(promptHash), 
                    new org.web3j.abi.datatypes.generated.Bytes32(outputHash), 
                    new org.web3j.abi.datatypes.generated.Uint64(tokensIn), 
                    new org.web3j.abi.datatypes.generated.Uint64(tokensOut), 
                    new org.web3j.abi.datatypes.generated.Uint64(priceId), 
                    new org.web3j.abi.datatypes.generated.Uint96(amount), 
                    new org.web3j.abi.datatypes.generated.Bytes32(traceHash), 
                    new org.web3j.abi.datatypes.generated.Uint64(timestamp));
            this.requestId = requestId;
            this.payer = payer;
            this.model = model;
            this.adapter = adapter;
            this.promptHash = promptHash;
            this.outputHash = outputHash;
            this.tokensIn = tokensIn;
            this.tokensOut = tokensOut;
            this.priceId = priceId;
            this.amount = amount;
            this.traceHash = traceHash;
            this.timestamp = timestamp;
        }

        public Receipt(Bytes32 requestId, Address payer, Bytes32 model, Bytes32 adapter,
                Bytes32 promptHash, Bytes32 outputHash, Uint64 tokensIn, Uint64 tokensOut,
                Uint64 priceId, Uint96 amount, Bytes32 traceHash, Uint64 timestamp) {
            super(requestId, payer, model, adapter, promptHash, outputHash, tokensIn, tokensOut, priceId, amount, traceHash, timestamp);
            this.requestId = requestId.getValue();
            this.payer = payer.getValue();
            this.model = model.getValue();
            this.adapter = adapter.getValue();
            this.promptHash = promptHash.getValue();
            this.outputHash = outputHash.getValue();
            this.tokensIn = tokensIn.getValue();
            this.tokensOut = tokensOut.getValue();
            this.priceId = priceId.getValue();
            this.amount = amount.getValue();
            this.traceHash = traceHash.getValue();
            this.timestamp = timestamp.getValue();
        }
    }

    public static class SumPair extends StaticStruct {
        public byte[] left;

        public BigInteger leftSum;

        public byte[] right;

        public BigInteger rightSum;

        public SumPair(byte[] left, BigInteger leftSum, byte[] right, BigInteger rightSum) {
            super(new org.web3j.abi.datatypes.generated.Bytes32(left), 
                    new org.web3j.abi.datatypes.generated.Uint256(leftSum), 
                    new org.web3j.abi.datatypes.generated.Bytes32(right), 
                    new org.web3j.abi.datatypes.generated.Uint256(rightSum));
            this.left = left;
            this.leftSum = leftSum;
            this.right = right;
            this.rightSum = rightSum;
        }

        public SumPair(Bytes32 left, Uint256 leftSum, Bytes32 right, Uint256 rightSum) {
            super(left, leftSum, right, rightSum);
            this.left = left.getValue();
            this.leftSum = leftSum.getValue();
            this.right = right.getValue();
            this.rightSum = rightSum.getValue();
        }
    }
}
